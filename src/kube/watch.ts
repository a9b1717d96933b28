// Frames of a watch: one JSON document a line. A line that is cut off is a broken stream, never a short document.
import { isKubeObject, type KubeObject } from '../api/index.ts';
import type { PequodError } from '../errors.ts';
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '../json/index.ts';
import { errorFromFrame } from './classify.ts';
import { type CallRoute, TransportError } from './errors.ts';

export interface ObjectFrame {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

export interface BookmarkFrame {
  readonly type: 'BOOKMARK';
  readonly resourceVersion: string;
  /** All objects that existed at the start have been sent. */
  readonly isInitialEventsEnd: boolean;
}

export interface ErrorFrame {
  readonly type: 'ERROR';
  readonly error: PequodError;
}

export type WatchFrame = ObjectFrame | BookmarkFrame | ErrorFrame;

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';
const MAX_FRAME_BYTES = 64 * 1024 * 1024;
const NEWLINE = 0x0a;

/** Decodes a stream of bytes into frames. Throws a {@link TransportError} where it is no watch. */
export async function* watchFrames(
  chunks: AsyncIterable<Buffer>,
  route: CallRoute,
): AsyncGenerator<WatchFrame> {
  for await (const line of lines(chunks)) yield frameOf(line, route);
}

async function* lines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = Buffer.concat([...rest, chunk.subarray(start, end)]).toString('utf8');
      rest = [];
      restBytes = 0;
      start = end + 1;
      if (line.trim() !== '') yield line;
    }
    if (start === chunk.length) continue;
    rest.push(chunk.subarray(start));
    restBytes += chunk.length - start;
    if (restBytes > MAX_FRAME_BYTES) {
      throw new TransportError('tooLarge', `watch frame is over ${MAX_FRAME_BYTES} bytes`);
    }
  }
  if (restBytes > 0) throw new TransportError('badResponse', 'watch ended inside a frame');
}

function frameOf(line: string, route: CallRoute): WatchFrame {
  const frame = parseLine(line);
  const type = frame['type'];
  const object = frame['object'];
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      if (isKubeObject(object)) return { type, object };
      throw new TransportError('badResponse', `${type} frame without an object`);
    case 'BOOKMARK':
      return bookmarkOf(object);
    case 'ERROR':
      return { type, error: errorFromFrame(object, route) };
    default:
      throw new TransportError('badResponse', 'watch frame of an unknown type');
  }
}

function parseLine(line: string): JsonObject {
  let value: JsonValue;
  try {
    value = parseJson(line);
  } catch (error) {
    throw new TransportError('badResponse', 'watch frame is not JSON', error);
  }
  if (isJsonObject(value)) return value;
  throw new TransportError('badResponse', 'watch frame is not an object');
}

function bookmarkOf(object: JsonValue | undefined): BookmarkFrame {
  const metadata = isJsonObject(object) ? object['metadata'] : undefined;
  const resourceVersion = isJsonObject(metadata) ? metadata['resourceVersion'] : undefined;
  if (!isJsonObject(metadata) || typeof resourceVersion !== 'string') {
    throw new TransportError('badResponse', 'bookmark without a resourceVersion');
  }
  const annotations = metadata['annotations'];
  const isInitialEventsEnd = isJsonObject(annotations) && annotations[INITIAL_EVENTS_END] === 'true';
  return { type: 'BOOKMARK', resourceVersion, isInitialEventsEnd };
}
