// What a revision holds, and how: all that is needed to run a graph again without its module or source, as compressed
// JSON in base64. Others may be able to write ControllerRevisions, so nothing that is read is believed: it decodes as
// nodes do, within limits, and has the hash that it says.
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { decodeResourceGraph, describeProblems } from '../api/crd/index.ts';
import {
  API_VERSION,
  type GraphMetadata,
  type GraphNode,
  RESOURCE_GRAPH_KIND,
  TRANSFORM_KIND,
  type Violation,
} from '../api/index.ts';
import { messageOf, TerminalError } from '../errors.ts';
import {
  hashJson,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJson,
  stringifyJson,
} from '../json/index.ts';

/** Of the whole `data`, as it is stored; etcd takes a little more. */
export const MAX_STORED_BYTES: number = Math.floor(1.4 * 1024 * 1024);
/** Of the JSON text. A graph's spec is at most 1 MiB. */
export const MAX_CONTENT_BYTES: number = 4 * 1024 * 1024;
const ENCODING = 'gzip+base64';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** A graph as it can be run again. */
export interface RevisionContent {
  /** `revision` is not part of it: the number is the revision's, not the graph's. */
  readonly metadata: GraphMetadata;
  readonly nodes: readonly GraphNode[];
  readonly violations?: readonly Violation[];
}

/** The content of a graph that runs or is planned. What the nodes really are decides on the hash. */
export function contentOf(graph: RevisionContent): RevisionContent {
  const { revision: _revision, ...metadata } = graph.metadata;
  const { nodes, violations } = graph;
  return {
    metadata: { ...metadata, renderHash: hashJson(nodes) },
    nodes,
    ...(violations === undefined ? {} : { violations }),
  };
}

/**
 * The `data` of a ControllerRevision.
 * @throws TerminalError (`REVISION_TOO_LARGE`) where it could not be stored
 */
export async function encodeContent({ metadata, nodes, violations }: RevisionContent): Promise<JsonObject> {
  const text = stringifyJson({ metadata, nodes, ...(violations === undefined ? {} : { violations }) });
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_CONTENT_BYTES) throw tooLarge(bytes, MAX_CONTENT_BYTES, '');
  // In the order of the names: `data` must never change, and is held against what the API server writes, which sorts
  // them; in another order the garbage collector could not even take the owner off a revision.
  const data = { content: (await compress(text)).toString('base64'), encoding: ENCODING };
  const storedBytes = Buffer.byteLength(stringifyJson(data));
  if (storedBytes > MAX_STORED_BYTES) throw tooLarge(storedBytes, MAX_STORED_BYTES, ' compressed');
  return data;
}

/**
 * The content behind a `data`.
 * @throws TerminalError (`REVISION_INVALID`) where it is damaged, too large, or not what an operator wrote
 */
export async function decodeContent(data: JsonValue | undefined): Promise<RevisionContent> {
  const content = readContent(await textOf(data));
  const { renderHash } = content.metadata;
  if (hashJson(content.nodes) !== renderHash) throw invalid('its nodes do not have the hash that it names');
  return content;
}

async function textOf(data: JsonValue | undefined): Promise<string> {
  if (!isJsonObject(data) || data['encoding'] !== ENCODING) throw invalid(`its data is not ${ENCODING}`);
  const { content } = data;
  if (typeof content !== 'string') throw invalid('it has no content');
  try {
    const bytes = Buffer.from(content, 'base64');
    return (await decompress(bytes, { maxOutputLength: MAX_CONTENT_BYTES })).toString('utf8');
  } catch (error) {
    throw invalid(`its content can't be unpacked: ${messageOf(error, 200)}`, error);
  }
}

function readContent(text: string): RevisionContent {
  const value = parsed(text);
  if (!isJsonObject(value)) throw invalid('its content is no object');
  const { metadata, nodes, violations } = value;
  const spec = {
    sourceRef: { kind: TRANSFORM_KIND, name: 'revision', uid: 'revision' },
    serviceAccountName: 'default',
    deletionPolicy: 'Delete',
    ...(metadata === undefined ? {} : { metadata }),
    ...(nodes === undefined ? {} : { nodes }),
    ...(violations === undefined ? {} : { violations }),
  };
  const graph = { apiVersion: API_VERSION, kind: RESOURCE_GRAPH_KIND, metadata: { name: 'revision' }, spec };
  const decoded = decodeResourceGraph(graph);
  if (!decoded.ok) throw invalid(`it holds no graph: ${describeProblems(decoded.problems).slice(0, 500)}`);
  const { revision: _revision, ...known } = decoded.value.spec.metadata;
  const found = decoded.value.spec.violations;
  return {
    metadata: known,
    nodes: decoded.value.spec.nodes,
    ...(found === undefined ? {} : { violations: found }),
  };
}

function parsed(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch (error) {
    throw invalid(`its content is no JSON: ${messageOf(error, 200)}`, error);
  }
}

function tooLarge(bytes: number, limit: number, how: string): TerminalError {
  return new TerminalError(
    `the graph has ${bytes} bytes${how}, a revision takes at most ${limit}; it can't be kept as one`,
    { code: 'REVISION_TOO_LARGE', reason: 'RevisionTooLarge' },
  );
}

/** The error of a revision that can't be run. */
export function invalid(problem: string, cause?: unknown): TerminalError {
  return new TerminalError(`the revision can't be used: ${problem}`, {
    code: 'REVISION_INVALID',
    reason: 'RevisionInvalid',
    cause,
  });
}
