// What all places have in common that are reached over a network: who asks, whom, what was answered a short while ago,
// who may have what, and what is kept.
import {
  Breakers,
  type ByteCache,
  Grants,
  SharedAnswers,
  type SharedAnswersOptions,
  type Wanted,
} from '../cache/index.ts';
import { messageOf, PequodError, SourceError } from '../errors.ts';
import type { GitCredentials } from '../git/index.ts';
import type { Metrics } from '../observability/index.ts';
import type { RegistryCredentials } from '../registry/index.ts';
import { secretsBlanker } from './blank-secrets.ts';
import { CachedContent } from './cached-content.ts';
import type { ModuleTree } from './module-tree.ts';

/** Questions whose answers are kept: references in use, each by the credentials that it was asked with. */
const MAX_ANSWERS = 10_000;

/** Who asks a place, and as whom; tells nothing of credentials. */
export interface Asker {
  readonly host: string;
  /** Names the credentials and the TLS material. */
  readonly key: string;
  readonly tlsKey: string | undefined;
  readonly credentialKey: string | undefined;
  readonly namespace: string;
  /** Takes the credentials out of a text. */
  readonly blank: (text: string) => string;
}

/** How a tenant reaches a place. */
interface Access {
  readonly credentials?: GitCredentials | RegistryCredentials;
  readonly tls?: object;
}

export interface RemoteOptions {
  readonly cache: ByteCache;
  readonly metrics?: Metrics | undefined;
  /** Wall clock, in milliseconds. */
  readonly now: () => number;
}

/** Shared by the sources of a process. */
export class Remote {
  readonly grants: Grants;
  readonly #content: CachedContent;
  readonly #breakers: Breakers;
  readonly #metrics: Metrics | undefined;
  readonly #now: () => number;

  constructor({ cache, metrics, now }: RemoteOptions) {
    this.grants = new Grants({ now });
    this.#content = new CachedContent(cache);
    this.#breakers = new Breakers({ now, metrics });
    this.#metrics = metrics;
    this.#now = now;
  }

  answers<T>(room?: SharedAnswersOptions<T>['room']): SharedAnswers<T> {
    return new SharedAnswers({
      maxEntries: MAX_ANSWERS,
      now: this.#now,
      ...(room === undefined ? {} : { room }),
    });
  }

  askerOf(host: string, access: Access, namespace: string): Asker {
    const { credentials, tls } = access;
    const keyOf = (part: object | undefined): string | undefined =>
      part === undefined ? undefined : this.grants.credentialKey(part);
    return {
      host,
      key: this.grants.credentialKey(access),
      tlsKey: keyOf(tls),
      credentialKey: keyOf(credentials),
      namespace,
      blank: secretsBlanker(credentials),
    };
  }

  /** Asks a place, unless it is known not to answer. @throws as `Breakers.run` */
  async ask<T>(asker: Asker, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const { host, tlsKey, credentialKey, namespace, blank } = asker;
    const inOurWords = async (given: AbortSignal): Promise<T> => {
      try {
        return await work(given);
      } catch (error) {
        throw blanked(asSourceError(error, host), blank);
      }
    };
    try {
      return await this.#breakers.run({ host, tlsKey, credentialKey, asker: namespace }, inOurWords, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }

  /**
   * The tree that is kept, else what `load` gets from the place. Who may have it was asked before.
   * @param type as in `cueRef.type`
   */
  async tree(
    type: 'git' | 'oci',
    wanted: Wanted,
    load: (signal: AbortSignal) => Promise<ModuleTree>,
    signal: AbortSignal,
  ): Promise<ModuleTree> {
    const measured = async (given: AbortSignal): Promise<ModuleTree> => {
      const startedAtMs = this.#now();
      const note = (result: string): void => this.#metrics?.fetched(type, result, this.#now() - startedAtMs);
      try {
        const tree = await load(given);
        note('success');
        return tree;
      } catch (error) {
        if (error instanceof PequodError) note(error.code);
        throw error;
      }
    };
    return await this.#content.treeThrough(wanted, measured, signal);
  }
}

/** Names that lead nowhere, and addresses that may not be called, are the source's answer like any other. */
function asSourceError(error: unknown, host: string): unknown {
  if (error instanceof SourceError || !(error instanceof PequodError)) return error;
  if (error.code === 'EGRESS_REFUSED')
    return new SourceError('SOURCE_REFUSED', `${host}: ${messageOf(error)}`, { cause: error });
  return new SourceError('SOURCE_UNAVAILABLE', `${host}: ${messageOf(error)}`, { cause: error });
}

/** What the place was shown may be in its answer, and so in the message. */
function blanked(error: unknown, blank: Asker['blank']): unknown {
  if (!(error instanceof SourceError)) return error;
  const message = blank(error.message);
  // The cause has the same words.
  return message === error.message ? error : new SourceError(error.code, message, { retry: error.retry });
}
