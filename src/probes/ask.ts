// One question, one finding: whatever goes wrong on the way is a finding too.

import { EgressError, type EgressGuard, EgressHttp } from '../egress/index.ts';
import { assertNever, messageOf } from '../errors.ts';
import { isAddress, type ProbeAddress, readAddress } from './address.ts';
import { isReady, isWaiting, isWrong, type ProbeFinding, type ProbeQuestion } from './answer.ts';
import { askGrpc } from './grpc.ts';
import { WebhookAsker } from './webhook.ts';

/** Longest that one question may take. */
const ASK_TIMEOUT_MS = 5_000;
const MAX_MESSAGE = 256;

/** Asks over the network, through the guard. */
export class NetworkAsker {
  readonly #guard: EgressGuard;
  readonly #http: EgressHttp;
  readonly #webhooks: WebhookAsker;

  constructor(guard: EgressGuard) {
    this.#guard = guard;
    this.#http = new EgressHttp(guard);
    this.#webhooks = new WebhookAsker(this.#http);
  }

  /** @param memory the same object for the same question. @throws only the signal's reason. */
  async ask(question: ProbeQuestion, memory: object, signal: AbortSignal): Promise<ProbeFinding> {
    const address = readAddress(question.predicate.url);
    if (!isAddress(address)) return address;
    const limit = AbortSignal.timeout(ASK_TIMEOUT_MS);
    try {
      return await this.#send(question, memory, address, AbortSignal.any([signal, limit]));
    } catch (error) {
      signal.throwIfAborted();
      if (limit.aborted)
        return isWaiting(`${address.shown} does not answer within ${ASK_TIMEOUT_MS / 1_000} s`);
      const why = messageOf(error, MAX_MESSAGE);
      if (error instanceof EgressError && error.code === 'EGRESS_REFUSED')
        return isWrong(error.reason, `has a probe of ${address.shown} that is ${why}`);
      return isWaiting(`${address.shown}: ${why}`);
    }
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  async #send(
    question: ProbeQuestion,
    memory: object,
    address: ProbeAddress,
    signal: AbortSignal,
  ): Promise<ProbeFinding> {
    if (question.predicate.type === 'Webhook')
      return await this.#webhooks.ask(question, memory, address, signal);
    const { scheme, shown, url, host, port } = address;
    switch (scheme) {
      case 'http':
      case 'https': {
        const { statusCode } = await this.#http.send({ method: 'GET', url, maxBytes: 0 }, signal);
        const said = `${shown} answers with status ${statusCode}`;
        return statusCode >= 200 && statusCode < 300 ? isReady(said) : isWaiting(said);
      }
      case 'tcp':
        (await this.#guard.connect({ host, port }, signal)).destroy();
        return isReady(`${shown} accepts connections`);
      case 'grpc':
      case 'grpcs':
        return await askGrpc(this.#guard, address, signal);
      default:
        return assertNever(scheme);
    }
  }
}
