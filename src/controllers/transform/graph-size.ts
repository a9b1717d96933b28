// Whether a graph fits into etcd, told before its spec is written: what could not be stored half way is refused whole.
import type { InventoryItem, ResourceGraphSpec, Violation } from '../../api/index.ts';
import { TerminalError } from '../../errors.ts';
import { MAX_GRAPH_BYTES, MAX_STATUS_BYTES, statusBytesOf } from '../../graph/index.ts';
import { stringifyJson } from '../../json/index.ts';
import type { GraphWriteLimits } from './dependencies.ts';

/** From this share of a limit on there is a warning. */
const WARNING_SHARE = 0.8;

/** How large a graph is. */
export interface GraphSize {
  readonly nodes: number;
  /** Of the spec as JSON. */
  readonly bytes: number;
  /** What the status may take at most. */
  readonly statusBytes: number;
}

/** @param inventory what the graph has in the cluster: entries that the nodes lack stay until their objects are gone */
export function sizeOf(
  spec: ResourceGraphSpec,
  inventory: readonly InventoryItem[],
  namespace: string,
): GraphSize {
  const bytes = Buffer.byteLength(stringifyJson(spec));
  return { nodes: spec.nodes.length, bytes, statusBytes: statusBytesOf(spec.nodes, inventory, namespace) };
}

/** @throws TerminalError (`GRAPH_TOO_LARGE`) where the graph is over a limit: nothing of it may be written */
export function checkSize(size: GraphSize, limits: GraphWriteLimits): void {
  for (const { share, message } of sharesOf(size, limits)) {
    if (share > 1) throw new TerminalError(message, { code: 'GRAPH_TOO_LARGE', reason: 'GraphTooLarge' });
  }
}

/** Warnings about a graph that is near its limits. */
export function sizeWarnings(size: GraphSize, limits: GraphWriteLimits): readonly Violation[] {
  return sharesOf(size, limits)
    .filter(({ share }) => share > WARNING_SHARE)
    .map(({ message }) => ({ path: 'graph.nodes', message, severity: 'Warning' }));
}

function sharesOf(
  { nodes, bytes, statusBytes }: GraphSize,
  limits: GraphWriteLimits,
): readonly { readonly share: number; readonly message: string }[] {
  return [
    { value: nodes, limit: limits.maxNodes, what: 'nodes' },
    { value: bytes, limit: limits.maxSpecBytes, what: 'bytes' },
    { value: statusBytes, limit: MAX_STATUS_BYTES, what: 'bytes of status, old and new objects together' },
    { value: bytes + statusBytes, limit: MAX_GRAPH_BYTES, what: 'bytes with its status' },
  ].map(({ value, limit, what }) => ({
    share: value / limit,
    message: `the graph has ${value} ${what}, at most ${limit} are taken`,
  }));
}
