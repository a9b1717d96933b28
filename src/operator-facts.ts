// What the operator asks about itself and its cluster. Nothing works before it is answered, so it is asked until it is:
// a server that is away, refuses us or is just starting is waited for, and never a reason to end. What the cluster is, is
// asked again when its server was away: another version may have come up.
import type { NamespacedName } from './api/index.ts';
import { Backoff } from './backoff/index.ts';
import { PequodError } from './errors.ts';
import { isJsonObject } from './json/index.ts';
import {
  isForbidden,
  isKindNotServed,
  type OperatorClient,
  pause,
  type Reachability,
  type Resource,
  type RestMapper,
} from './kube/index.ts';
import type { Logger } from './observability/index.ts';
import type { ClusterFacts } from './render/index.ts';
import type { Runnable } from './runtime/index.ts';

const SELF_SUBJECT_REVIEWS: Resource = {
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  namespaced: false,
  verbs: ['create'],
};
const RETRIES = { baseMs: 500, factor: 2, maxMs: 10_000, jitter: 0.5 } as const;

export interface OperatorFactsOptions {
  readonly operator: OperatorClient;
  readonly mapper: RestMapper;
  readonly reachability: Reachability;
  readonly log: Logger;
  readonly random: () => number;
}

export class OperatorFacts implements Runnable {
  readonly name = 'api server';
  readonly #options: OperatorFactsOptions;
  readonly #stopping = new AbortController();
  readonly #changeHandlers = new Set<() => void>();
  #identity: NamespacedName | undefined;
  #cluster: ClusterFacts = { version: '', apiVersions: [] };
  #problem: string | undefined;
  #endBack: (() => void) | undefined;

  constructor(options: OperatorFactsOptions) {
    this.#options = options;
  }

  /** The operator's own ServiceAccount, which no tenant may name; undefined where it runs as another kind of user. */
  get identity(): NamespacedName | undefined {
    return this.#identity;
  }

  /** Version and API versions, for the `context` of modules. */
  get cluster(): ClusterFacts {
    return this.#cluster;
  }

  /** Calls `handler` when {@link cluster} has changed. */
  onClusterChange(handler: () => void): void {
    this.#changeHandlers.add(handler);
  }

  /** Resolves once all is known. Rejects with the signal's reason only. */
  async start(signal: AbortSignal): Promise<void> {
    const { operator, mapper, reachability, log } = this.#options;
    await this.#untilAnswered(async () => {
      // A server that is just starting refuses what it will allow, and a refusal below is an answer.
      await operator.checkServing(signal);
      this.#identity = await readOwnIdentity(operator, signal);
      this.#cluster = await readClusterFacts(operator, mapper, signal);
    }, signal);
    this.#endBack = reachability.onBack(() => {
      void this.#refresh(this.#stopping.signal).catch((error: unknown) => {
        // Asked again after the next outage; what was known goes on being used.
        if (!this.#stopping.signal.aborted)
          log.warn({ err: error }, 'the version of the cluster is not known');
      });
    });
  }

  async stop(): Promise<void> {
    this.#endBack?.();
    this.#stopping.abort(new Error('stopped'));
  }

  health(): string | undefined {
    return this.#problem;
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const { operator, mapper } = this.#options;
    mapper.invalidate();
    const cluster = await readClusterFacts(operator, mapper, signal);
    const { version, apiVersions } = this.#cluster;
    if (cluster.version === version && cluster.apiVersions.join() === apiVersions.join()) return;
    this.#cluster = cluster;
    this.#options.log.info({ version: cluster.version, before: version }, 'the cluster has changed');
    for (const handler of this.#changeHandlers) handler();
  }

  async #untilAnswered(ask: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { reachability, log, random } = this.#options;
    const backoff = new Backoff(RETRIES, random);
    for (;;) {
      try {
        await ask();
        this.#problem = undefined;
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof PequodError)) throw error;
        // Of a server that is away the log has been told already.
        if (reachability.isOpen && error.message !== this.#problem) {
          log.warn(
            { code: error.code, problem: error.message },
            'the API server does not let us begin, waiting',
          );
        }
        this.#problem = error.message;
      }
      const { done, wake } = pause(backoff.next(), signal);
      const endBack = reachability.onBack(wake);
      await done;
      endBack();
      signal.throwIfAborted();
    }
  }
}

async function readOwnIdentity(
  operator: OperatorClient,
  signal: AbortSignal,
): Promise<NamespacedName | undefined> {
  try {
    const review = await operator.create(
      SELF_SUBJECT_REVIEWS,
      { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', metadata: { name: '' } },
      // It stores nothing; replicas that may not write yet ask as well.
      { dryRun: true },
      signal,
    );
    const status = review['status'];
    const user =
      isJsonObject(status) && isJsonObject(status['userInfo']) ? status['userInfo']['username'] : undefined;
    const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(String(user ?? '')) ?? [];
    return namespace === undefined || name === undefined ? undefined : { namespace, name };
  } catch (error) {
    // Every authenticated user may ask, unless an administrator took that away.
    if (isForbidden(error) || isKindNotServed(error)) return undefined;
    throw error;
  }
}

async function readClusterFacts(
  operator: OperatorClient,
  mapper: RestMapper,
  signal: AbortSignal,
): Promise<ClusterFacts> {
  const { value } = await operator.discover('/version', { accept: 'application/json' }, signal);
  const version = isJsonObject(value) && typeof value['gitVersion'] === 'string' ? value['gitVersion'] : '';
  return { version, apiVersions: await mapper.apiVersions(signal) };
}
