import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../src/json/index.ts';
import type { ApiClient } from './api-client.ts';

/** One request as the API server logged it. Absent parts are undefined. */
export interface AuditEntry {
  readonly auditId: string;
  readonly stage: string;
  readonly verb: string;
  readonly user: string;
  readonly impersonatedUser: string | undefined;
  /** Which of the user's tokens was used: tells apart processes that are the same user. */
  readonly credential: string | undefined;
  readonly userAgent: string;
  readonly requestURI: string;
  readonly apiGroup: string | undefined;
  readonly resource: string | undefined;
  readonly subresource: string | undefined;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly code: number | undefined;
  /** RFC 3339 with microseconds: arrival and end of the request. */
  readonly receivedAt: string;
  readonly stageAt: string;
}

/** A place in the log: everything that was answered before it was taken lies before it. */
export interface AuditMark {
  readonly offset: number;
}

/** Whose calls count: all parts that are given must match. */
export interface CallFilter {
  /** Authenticated user, or the user that it impersonated. */
  readonly user?: string;
  /** Prefix of the User-Agent. */
  readonly userAgent?: string;
  readonly verbs?: readonly string[];
  readonly resource?: string;
}

const POLL_MS = 5;
const FLUSH_TIMEOUT_MS = 30_000;
/** Kept out of counts: leader election and event reporting run on their own clocks. */
const UNCOUNTED_RESOURCES: ReadonlySet<string | undefined> = new Set(['leases', 'events']);

/** Reads an API server's audit log while it is being written. */
export class AuditLog {
  readonly path: string;
  readonly #client: ApiClient;

  constructor(path: string, client: ApiClient) {
    this.path = path;
    this.#client = client;
  }

  /**
   * Waits until all requests answered so far are in the log, and returns the place after them. Two marker requests
   * follow them in turn: the server logs an answer just after it sent it, so that one marker could overtake it.
   */
  async mark(signal: AbortSignal = AbortSignal.timeout(FLUSH_TIMEOUT_MS)): Promise<AuditMark> {
    const start = await this.#size();
    await this.#writeMarker(start, signal);
    return await this.#writeMarker(start, signal);
  }

  /** The entries between `mark` and now, of requests that are over (a watch: that has been opened too), in order. */
  async since(
    mark: AuditMark,
    signal: AbortSignal = AbortSignal.timeout(FLUSH_TIMEOUT_MS),
  ): Promise<AuditEntry[]> {
    const end = await this.mark(signal);
    const text = await this.#read(mark.offset, end.offset);
    return parseAuditLines(text).filter((entry) => !entry.requestURI.startsWith(MARKER_PATH));
  }

  /** The calls since `mark` that match `filter`, without watches, leases and events. */
  async callsSince(mark: AuditMark, filter: CallFilter, signal?: AbortSignal): Promise<AuditEntry[]> {
    const entries = await this.since(mark, signal);
    return entries.filter((entry) => isCountedCall(entry) && matches(entry, filter));
  }

  /** Closes the connection that the markers use. */
  async close(): Promise<void> {
    await this.#client.close();
  }

  async #writeMarker(from: number, signal: AbortSignal): Promise<AuditMark> {
    const uri = `${MARKER_PATH}${randomUUID()}`;
    await this.#client.call('GET', uri, undefined, signal);
    for (;;) {
      signal.throwIfAborted();
      const bytes = await this.#readBytes(from, await this.#size());
      const found = bytes.indexOf(uri);
      const end = found < 0 ? -1 : bytes.indexOf('\n', found);
      if (end >= 0) return { offset: from + end + 1 };
      await delay(POLL_MS);
    }
  }

  async #size(): Promise<number> {
    const file = await open(this.path);
    try {
      return (await file.stat()).size;
    } finally {
      await file.close();
    }
  }

  async #read(from: number, to: number): Promise<string> {
    return (await this.#readBytes(from, to)).toString('utf8');
  }

  async #readBytes(from: number, to: number): Promise<Buffer> {
    const file = await open(this.path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, to - from)), { position: from });
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }
}

/** In a string of an event its quotes would be escaped. */
const EVENT_START = '{"kind":"Event","apiVersion":"audit.k8s.io/';
const MARKER_PATH = '/version?audit-marker=';

/** Parses whole lines of an audit log in JSON format. */
export function parseAuditLines(text: string): AuditEntry[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const event: unknown = JSON.parse(wholeEvent(line));
      if (!isJsonObject(event)) throw new Error(`not an audit event: ${line.slice(0, 200)}`);
      return toEntry(event);
    });
}

/** A server that is killed leaves half a line behind, and the next one goes on in it: what is whole counts. */
function wholeEvent(line: string): string {
  return line.slice(Math.max(0, line.lastIndexOf(EVENT_START)));
}

/** Whether a call belongs in a count: over, no watch, no lease or event. */
export function isCountedCall(entry: AuditEntry): boolean {
  return (
    entry.stage === 'ResponseComplete' && entry.verb !== 'watch' && !UNCOUNTED_RESOURCES.has(entry.resource)
  );
}

function matches(entry: AuditEntry, filter: CallFilter): boolean {
  const { user, userAgent, verbs, resource } = filter;
  if (user !== undefined && user !== entry.user && user !== entry.impersonatedUser) return false;
  if (userAgent !== undefined && !entry.userAgent.startsWith(userAgent)) return false;
  if (verbs !== undefined && !verbs.includes(entry.verb)) return false;
  return resource === undefined || resource === entry.resource;
}

function toEntry(event: JsonObject): AuditEntry {
  const target = objectOf(event['objectRef']);
  const code = objectOf(event['responseStatus'])['code'];
  return {
    auditId: textOf(event['auditID']) ?? '',
    stage: textOf(event['stage']) ?? '',
    verb: textOf(event['verb']) ?? '',
    user: textOf(objectOf(event['user'])['username']) ?? '',
    impersonatedUser: textOf(objectOf(event['impersonatedUser'])['username']),
    credential: credentialOf(objectOf(event['user'])),
    userAgent: textOf(event['userAgent']) ?? '',
    requestURI: textOf(event['requestURI']) ?? '',
    apiGroup: textOf(target['apiGroup']),
    resource: textOf(target['resource']),
    subresource: textOf(target['subresource']),
    namespace: textOf(target['namespace']),
    name: textOf(target['name']),
    code: typeof code === 'number' ? code : undefined,
    receivedAt: textOf(event['requestReceivedTimestamp']) ?? '',
    stageAt: textOf(event['stageTimestamp']) ?? '',
  };
}

function credentialOf(user: JsonObject): string | undefined {
  const ids = objectOf(user['extra'])['authentication.kubernetes.io/credential-id'];
  return isJsonArray(ids) ? textOf(ids[0]) : undefined;
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
