// One call and the connection that it came on: what of an answer goes to the operator, and what is noted of it.
import type { ServerResponse } from 'node:http';
import { isJsonObject, parseJsonIfAny, stringifyJson } from '../../../src/json/index.ts';
import { statusOf } from './status.ts';
import type { FaultStatus, SeenCall } from './types.ts';
import type { PassedRequest, WholeAnswer } from './upstream.ts';

export class Exchange {
  readonly call: SeenCall;
  readonly request: PassedRequest;
  readonly response: ServerResponse;
  /** The operator's life to which the call belongs; fires with its end. */
  readonly life: AbortSignal;

  constructor(call: SeenCall, request: PassedRequest, response: ServerResponse, life: AbortSignal) {
    this.call = call;
    this.request = request;
    this.response = response;
    this.life = life;
    const isGone = (): void => {
      call.delivered ??= { status: 'none', atMs: performance.now() };
    };
    if (this.isOver) isGone();
    else response.once('close', isGone);
  }

  /** Nobody waits for an answer any more. */
  get isOver(): boolean {
    return this.life.aborted || this.response.destroyed;
  }

  /** @param body of the answer to a write */
  noteLanded(status: number, body?: Buffer): void {
    const resourceVersion = body === undefined ? undefined : versionIn(body);
    this.call.landed = { status, atMs: performance.now(), resourceVersion };
  }

  noteDelivered(status: number): void {
    this.call.delivered = { status, atMs: performance.now() };
  }

  deliver(answer: WholeAnswer): void {
    if (this.isOver) return;
    this.noteDelivered(answer.status);
    const length = { 'content-length': String(answer.body.length) };
    this.response.writeHead(answer.status, { ...answer.headers, ...length }).end(answer.body);
  }

  deliverStatus(code: FaultStatus | 410, retryAfterSeconds?: number): void {
    const body = Buffer.from(stringifyJson(statusOf(code, this.call, retryAfterSeconds)), 'utf8');
    const retryAfter = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
    this.deliver({ status: code, headers: { 'content-type': 'application/json', ...retryAfter }, body });
  }

  /** The length is that of the whole answer, the bytes are not. */
  deliverCut(answer: WholeAnswer, bytes: number): void {
    if (this.isOver) return;
    const length = { 'content-length': String(answer.body.length) };
    this.response.writeHead(answer.status, { ...answer.headers, ...length });
    this.response.flushHeaders();
    this.response.write(answer.body.subarray(0, bytes));
    this.response.socket?.end();
  }

  deliverHalf(answer: WholeAnswer): void {
    this.deliver({ ...answer, body: answer.body.subarray(0, Math.floor(answer.body.length / 2)) });
  }
}

function versionIn(body: Buffer): string | undefined {
  const object = parseJsonIfAny(body.toString('utf8'));
  const metadata = isJsonObject(object) ? object['metadata'] : undefined;
  const version = isJsonObject(metadata) ? metadata['resourceVersion'] : undefined;
  return typeof version === 'string' ? version : undefined;
}
