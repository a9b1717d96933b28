// A status that etcd would not take is never sent: what nodes say is cut first, since it can be said again; an inventory
// is never cut. Where that is not enough, nothing new may be written to the cluster.
import type { NodeStatus, NodeStatuses, ResourceGraphStatus } from '../../api/index.ts';
import { TerminalError } from '../../errors.ts';
import { MAX_GRAPH_BYTES, MAX_STATUS_BYTES } from '../../graph/index.ts';
import { canonicalJson, type JsonValue } from '../../json/index.ts';

/** What is left of a node's message where room is scarce. */
const SHORT_MESSAGE = 80;

/** A status that can be stored. */
export interface FittedStatus {
  readonly status: ResourceGraphStatus;
  /** Its canonical JSON: of a large graph it takes long enough to be made once. */
  readonly text: string;
}

/**
 * The status as it can be stored beside this spec.
 * @throws TerminalError (`GRAPH_TOO_LARGE`) where it does not fit, however short its messages are
 */
export function fitStatus(wanted: ResourceGraphStatus, spec: JsonValue | undefined): FittedStatus {
  const whole = fittedOf(wanted);
  const bytes = Buffer.byteLength(whole.text);
  if (bytes <= MAX_GRAPH_BYTES - MAX_STATUS_BYTES) return whole;
  const maxBytes = Math.min(MAX_STATUS_BYTES, MAX_GRAPH_BYTES - bytesOf(spec));
  if (bytes <= maxBytes) return whole;
  const { nodeStatus } = wanted;
  const short = nodeStatus === undefined ? whole : fittedOf({ ...wanted, nodeStatus: shortened(nodeStatus) });
  const shortBytes = Buffer.byteLength(short.text);
  if (shortBytes <= maxBytes) return short;
  const message = `the status of the graph would have ${shortBytes} bytes, at most ${maxBytes} are taken`;
  throw new TerminalError(message, { code: 'GRAPH_TOO_LARGE', reason: 'GraphTooLarge' });
}

function fittedOf(status: ResourceGraphStatus): FittedStatus {
  return { status, text: canonicalJson(status) };
}

function bytesOf(value: JsonValue | undefined): number {
  return value === undefined ? 0 : Buffer.byteLength(canonicalJson(value));
}

function shortened(statuses: NodeStatuses): NodeStatuses {
  const entries = Object.entries(statuses);
  return Object.fromEntries(entries.map(([id, status]) => [id, status && shortenedNode(status)]));
}

function shortenedNode(status: NodeStatus): NodeStatus {
  const { message, lastError: _lastError, readyDetails: _readyDetails, ...rest } = status;
  return message === undefined ? rest : { ...rest, message: message.slice(0, SHORT_MESSAGE) };
}
