import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { isJsonObject, type JsonObject } from '../../src/json/index.ts';

/** What a client needs to speak to the API server as somebody. */
export interface ApiIdentity {
  readonly url: string;
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
}

const POLL_MS = 25;
const ATTEMPT_MS = 5_000;

/** The few calls that the harness itself makes, apart from the product's own client so that neither tests itself. */
export class ApiClient {
  readonly #url: string;
  readonly #agent: Agent;

  private constructor(url: string, agent: Agent) {
    this.#url = url;
    this.#agent = agent;
  }

  static async open(identity: ApiIdentity): Promise<ApiClient> {
    const [ca, cert, key] = await Promise.all(
      [identity.caFile, identity.certificateFile, identity.keyFile].map((path) => readFile(path, 'utf8')),
    );
    return new ApiClient(
      identity.url,
      new Agent({ connections: 1, connect: { ca: ca ?? '', cert: cert ?? '', key: key ?? '' } }),
    );
  }

  /** Any answer of the server resolves; only a failed connection or `signal` rejects. */
  async call(
    method: 'GET' | 'POST',
    path: string,
    body: JsonObject | undefined,
    signal: AbortSignal,
  ): Promise<ApiAnswer> {
    const response = await request(`${this.#url}${path}`, {
      method,
      dispatcher: this.#agent,
      signal,
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { status: response.statusCode, text: await response.body.text() };
  }

  /** As {@link call}, for an answer that must be an object of the API. */
  async object(
    method: 'GET' | 'POST',
    path: string,
    body: JsonObject | undefined,
    signal: AbortSignal,
  ): Promise<JsonObject> {
    const answer = await this.call(method, path, body, signal);
    const value: unknown = JSON.parse(answer.text);
    if (!isJsonObject(value)) throw new Error(`${method} ${path} did not answer with an object`);
    if (answer.status >= 300)
      throw new Error(`${method} ${path}: ${answer.status} ${String(value['message'])}`);
    return value;
  }

  /** Asks again until `isDone` accepts the answer; refused connections count as "not yet". */
  async waitFor(path: string, isDone: (answer: ApiAnswer) => boolean, signal: AbortSignal): Promise<void> {
    let last = 'no answer yet';
    while (!signal.aborted) {
      try {
        const answer = await this.call(
          'GET',
          path,
          undefined,
          AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS)]),
        );
        if (isDone(answer)) return;
        last = `${answer.status} ${answer.text.slice(0, 300)}`;
      } catch (error) {
        last = String(error);
      }
      await delay(POLL_MS);
    }
    throw new Error(`gave up waiting for ${path}: ${last}`, { cause: signal.reason });
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
