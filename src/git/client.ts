// Reads modules from git. Looking up a name lists refs and nothing else; a fetch takes one commit without its history,
// and, where the server can leave file contents out, only those files that belong to the module. All sockets are the
// guard's; all that takes processor time by a server's choice runs in a thread with limits.

import type { FileMap } from '../archive/index.ts';
import { type EgressGuard, EgressHttp } from '../egress/index.ts';
import { SourceError } from '../errors.ts';
import type { GitAccess } from './access.ts';
import { withinTime } from './failures.ts';
import { HttpsTransport } from './https.ts';
import { LargeAnswers } from './large-answers.ts';
import { DEFAULT_GIT_LIMITS, type GitLimits } from './limits.ts';
import { type ResolvedCommit, resolveName, statedCommit } from './names.ts';
import type { UnpackAnswer } from './pack/index.ts';
import type { GitReference } from './reference.ts';
import { type OpenKey, SshTransport } from './ssh.ts';
import { UploadPack } from './upload-pack.ts';
import { GitWorkers } from './workers.ts';

export interface GitClientOptions {
  readonly guard: EgressGuard;
  /** As {@link parseGitReference} was told. */
  readonly plainHttpHosts?: readonly string[];
  readonly limits?: Partial<GitLimits>;
  /** The time of the day, in milliseconds. */
  readonly now?: () => number;
}

/** Connections are kept for the next request of the same fetch. */
const KEEP_ALIVE_MS = 4_000;
const KEY_TIMEOUT_MS = 10_000;

export class GitClient {
  readonly #limits: GitLimits;
  readonly #workers: GitWorkers;
  readonly #large: LargeAnswers;
  readonly #http: EgressHttp;
  readonly #https: HttpsTransport;
  readonly #ssh: SshTransport;

  constructor({ guard, plainHttpHosts = [], limits = {}, now = Date.now }: GitClientOptions) {
    this.#limits = { ...DEFAULT_GIT_LIMITS, ...limits };
    this.#workers = new GitWorkers(this.#limits.maxWorkers);
    this.#large = new LargeAnswers(this.#limits.maxWorkers);
    this.#http = new EgressHttp(guard, { keepAliveMs: KEEP_ALIVE_MS });
    this.#https = new HttpsTransport(this.#http, plainHttpHosts, now);
    this.#ssh = new SshTransport(guard, this.#openKey);
  }

  /**
   * What a reference stands for now. A full commit is taken at its word, without asking: see {@link GitClient.check}.
   * @throws SourceError, and the signal's reason
   */
  async resolve(reference: GitReference, access: GitAccess, signal: AbortSignal): Promise<ResolvedCommit> {
    const commit = statedCommit(reference);
    if (commit !== undefined) return { commit, name: commit };
    return await this.#withServer(reference, access, this.#limits.resolveTimeoutMs, signal, (server, limit) =>
      resolveName(reference, (prefixes) => server.refs(prefixes, limit)),
    );
  }

  /** Returns where the server lets these credentials read the repository. @throws SourceError, and the signal's reason */
  async check(reference: GitReference, access: GitAccess, signal: AbortSignal): Promise<void> {
    await this.#withServer(reference, access, this.#limits.resolveTimeoutMs, signal, async () => undefined);
  }

  /**
   * The module's `.cue` files, by their paths in the repository: all below the nearest folder with `cue.mod` at or above
   * the reference's folder, or below that folder where there is no such module.
   * @param commit 40 hex digits
   * @throws SourceError, and the signal's reason
   */
  async fetch(
    reference: GitReference,
    commit: string,
    access: GitAccess,
    signal: AbortSignal,
  ): Promise<FileMap> {
    return await this.#withServer(
      reference,
      access,
      this.#limits.fetchTimeoutMs,
      signal,
      async (server, limit) => {
        const wanted = server.servesAnyCommit ? commit : await tipOf(server, reference, commit, limit);
        const tree = await server.pack({ wants: [wanted], isWithoutBlobs: server.canFilter }, limit);
        // The first look keeps its pack, in case that contents have to be had as well.
        const first = await this.#unpack([tree], !server.canFilter, reference, commit, limit);
        if ('files' in first) return first.files;
        if (!server.canFilter) throw incomplete(reference.place);
        const contents = await server.pack({ wants: first.missing, isWithoutBlobs: false }, limit);
        const second = await this.#unpack([tree, contents], true, reference, commit, limit);
        if ('files' in second) return second.files;
        throw incomplete(reference.place);
      },
    );
  }

  /** Ends all that is under way. */
  async close(): Promise<void> {
    await this.#workers.close();
    await this.#http.close();
  }

  async #withServer<T>(
    reference: GitReference,
    access: GitAccess,
    timeoutMs: number,
    signal: AbortSignal,
    work: (server: UploadPack, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const transport = reference.transport === 'ssh' ? this.#ssh : this.#https;
    return await withinTime(reference, timeoutMs, signal, async (limit) => {
      const session = await transport.open(reference, access, this.#limits.maxRefBytes, limit);
      const share = this.#large.share(limit);
      const options = {
        place: reference.place,
        access,
        limits: this.#limits,
        admitLarge: () => share.admit(),
      };
      try {
        return await work(new UploadPack(session, options), limit);
      } finally {
        session.close();
        share.end();
      }
    });
  }

  async #unpack(
    packs: readonly Uint8Array<ArrayBuffer>[],
    isLast: boolean,
    { folder, place }: GitReference,
    commit: string,
    signal: AbortSignal,
  ): Promise<Exclude<UnpackAnswer, { readonly failure: unknown }>> {
    const { maxPack: packLimits, files: limits, unpackTimeoutMs: timeoutMs } = this.#limits;
    const tree = { commit, place, limits, ...(folder === undefined ? {} : { folder }) };
    const transfer = isLast ? packs.map(({ buffer }) => buffer) : [];
    const answer = await this.#workers.ask(
      { type: 'unpack', packs, packLimits, tree },
      { timeoutMs, transfer },
      signal,
    );
    if (!('failure' in answer)) return answer;
    const { code, message, retry } = answer.failure;
    throw new SourceError(code, message, { retry });
  }

  readonly #openKey: OpenKey = async ({ privateKey, passphrase }, signal) => {
    const question = {
      type: 'key',
      privateKey,
      ...(passphrase === undefined ? {} : { passphrase }),
    } as const;
    const answer = await this.#workers.ask(question, { timeoutMs: KEY_TIMEOUT_MS }, signal);
    if ('privateKey' in answer) return answer.privateKey;
    throw new SourceError('SOURCE_AUTH', `the ssh key can't be used: ${answer.problem}`);
  };
}

/** What to ask an older server for: it gives only what a ref points at. */
async function tipOf(
  server: UploadPack,
  { place }: GitReference,
  commit: string,
  signal: AbortSignal,
): Promise<string> {
  const refs = await server.refs([], signal);
  const tip = refs.find(({ oid, peeled }) => oid === commit || peeled === commit);
  if (tip !== undefined) return tip.oid;
  throw new SourceError(
    'SOURCE_CHANGED',
    `${place} does not give commit ${commit}: it is the tip of no branch or tag, and the server gives no other`,
  );
}

function incomplete(place: string): SourceError {
  return new SourceError('SOURCE_INVALID', `the pack of ${place} lacks files of its commit`);
}
