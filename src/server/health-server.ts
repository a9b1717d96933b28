// What a kubelet asks: whether the process should be restarted (`/healthz`, `/livez`), and whether it does its work
// (`/readyz`), in the form that Kubernetes' own components answer in. Each check has a name, and says in one line what is
// wrong; checks look at what the process knows, and call nobody.
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/index.ts';
import type { Runnable } from '../runtime/index.ts';
import { type ListenAddress, Listener, type Page } from './listener.ts';

export interface HealthCheck {
  readonly name: string;
  /** Undefined where all is well, else one line that says what is wrong. It is shown to whoever asks: no secrets. */
  readonly check: () => string | undefined | Promise<string | undefined>;
}

export interface HealthServerOptions {
  readonly address: ListenAddress;
  /** What a restart would heal, and nothing else; asked anew for each answer. */
  readonly live: () => readonly HealthCheck[];
  /** What the operator needs for its work; likewise. */
  readonly ready: () => readonly HealthCheck[];
  readonly log: Logger;
}

/** A check that takes longer has failed: a probe waits for a second by default. */
const CHECK_TIMEOUT_MS = 800;

export class HealthServer implements Runnable {
  readonly name = 'health server';
  readonly #options: HealthServerOptions;
  readonly #listener: Listener;

  constructor(options: HealthServerOptions) {
    this.#options = options;
    this.#listener = new Listener({
      address: options.address,
      what: 'health',
      announcement: 'health is served',
      paths: ['/healthz', '/livez', '/readyz'],
      answer: async (path, query) => this.#page(path, query),
      log: options.log,
    });
  }

  /** @throws where the address can't be listened on */
  async start(signal: AbortSignal): Promise<void> {
    await this.#listener.start(signal);
  }

  /** The port that it listens on; undefined while it does not. */
  get port(): number | undefined {
    return this.#listener.port;
  }

  async stop(): Promise<void> {
    await this.#listener.stop();
  }

  async #page(path: string, query: URLSearchParams): Promise<Page> {
    const checks = path === '/readyz' ? this.#options.ready() : this.#options.live();
    const results = await Promise.all(
      checks.map(async ({ name, check }) => ({ name, problem: await problemOf(check) })),
    );
    const isGood = results.every(({ problem }) => problem === undefined);
    const lines = results.map(({ name, problem }) =>
      problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`,
    );
    const text = [...lines, `${path.slice(1)} check ${isGood ? 'passed' : 'failed'}`].join('\n');
    const isTold = !isGood || query.has('verbose');
    return { status: isGood ? 200 : 503, contentType: 'text/plain', text: isTold ? `${text}\n` : 'ok' };
  }
}

async function problemOf(check: HealthCheck['check']): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('did not answer in time'), CHECK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([Promise.resolve(check()), late]);
  } catch (error) {
    return messageOf(error);
  } finally {
    clearTimeout(timer);
  }
}
