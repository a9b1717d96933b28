// Modules in git repositories. A branch or tag is resolved to a commit by a list of refs; the commit is what is fetched.
// Who may list the refs of a repository may have what was fetched from it.
import type { CueRef } from '../api/index.ts';
import type { SharedAnswers } from '../cache/index.ts';
import { isSourceError, SourceError } from '../errors.ts';
import {
  type GitAccess,
  type GitClient,
  type GitReference,
  parseGitReference,
  type ResolvedCommit,
} from '../git/index.ts';
import { gitAccess } from './credentials.ts';
import { cueTree } from './cue-files.ts';
import type { ModuleSource, Resolution, SourceContext } from './module-source.ts';
import type { ModuleTree, TreeLimits } from './module-tree.ts';
import type { Asker, Remote } from './remote.ts';

/** What a grant is for: the repository, with all its commits. */
const REPOSITORY = 'repository';
const COMMIT = /^sha1:([0-9a-f]{40})$/;
/** How old an answer may be, at most, that lets somebody have a commit. */
const MAX_PROOF_AGE_MS = 60_000;

export interface GitSourceOptions {
  readonly git: Pick<GitClient, 'check' | 'fetch' | 'resolve'>;
  readonly remote: Remote;
  readonly plainHttpHosts?: readonly string[];
  readonly limits?: TreeLimits | undefined;
}

interface GitQuestion {
  readonly reference: GitReference;
  readonly access: GitAccess;
  readonly asker: Asker;
  readonly maxAgeMs: number;
}

export class GitSource implements ModuleSource {
  readonly #git: Pick<GitClient, 'check' | 'fetch' | 'resolve'>;
  readonly #remote: Remote;
  readonly #plainHttpHosts: readonly string[];
  readonly #limits: TreeLimits | undefined;
  readonly #commits: SharedAnswers<ResolvedCommit>;

  constructor({ git, remote, plainHttpHosts = [], limits }: GitSourceOptions) {
    this.#git = git;
    this.#remote = remote;
    this.#plainHttpHosts = plainHttpHosts;
    this.#limits = limits;
    this.#commits = remote.answers();
  }

  async resolve(ref: CueRef, context: SourceContext, signal: AbortSignal): Promise<Resolution> {
    const question = await this.#question(ref, context, signal);
    const { commit, name } = await this.#commit(question, signal);
    const digest = `sha1:${commit}`;
    return { digest, revision: name === commit ? digest : `${name}@${digest}` };
  }

  async fetch(
    ref: CueRef,
    { digest }: Resolution,
    context: SourceContext,
    signal: AbortSignal,
  ): Promise<ModuleTree> {
    const [, commit] = COMMIT.exec(digest) ?? [];
    if (commit === undefined)
      throw new SourceError('SOURCE_CHANGED', 'what the status says of the module is no commit');
    const question = await this.#question(ref, context, signal);
    await this.#prove(question, signal);
    const { access, asker } = question;
    const reference = withFolder(question.reference, ref);
    const { place, folder = '' } = reference;
    const load = (given: AbortSignal): Promise<ModuleTree> =>
      this.#remote.ask(
        asker,
        async (limit) => cueTree(await this.#content(reference, commit, access, limit), place, this.#limits),
        given,
      );
    const key = JSON.stringify(['git', place, commit, folder]);
    return await this.#remote.tree('git', { key, loadedFrom: asker.key }, load, signal);
  }

  /** A commit that somebody wrote down was never seen there: that it is not there is no change. */
  async #content(
    reference: GitReference,
    commit: string,
    access: GitAccess,
    signal: AbortSignal,
  ): ReturnType<GitClient['fetch']> {
    try {
      return await this.#git.fetch(reference, commit, access, signal);
    } catch (error) {
      const isStated = reference.ref?.toLowerCase() === commit;
      if (!isStated || !isSourceError(error, 'SOURCE_CHANGED')) throw error;
      throw new SourceError('SOURCE_NOT_FOUND', error.message, { cause: error });
    }
  }

  /** A commit stands for itself. */
  readonly isMoving = (ref: CueRef): boolean => !/^[0-9a-f]{40}$/i.test(this.#parsed(ref)?.ref ?? '');

  readonly packageRoot = (ref: CueRef): string => this.#parsed(ref)?.folder ?? '.';

  /** Undefined for what can't be read: who asks about it is told. */
  #parsed({ ref }: CueRef): GitReference | undefined {
    try {
      return this.#parse(ref);
    } catch (error) {
      if (error instanceof SourceError) return undefined;
      throw error;
    }
  }

  #parse(ref: string): GitReference {
    return parseGitReference(ref, { plainHttpHosts: this.#plainHttpHosts });
  }

  async #question(ref: CueRef, context: SourceContext, signal: AbortSignal): Promise<GitQuestion> {
    const reference = this.#parse(ref.ref);
    const { host, port, transport } = reference;
    const named = port === undefined ? host : `${host}:${port}`;
    const place = { host: named, transport: transport === 'ssh' ? 'ssh' : 'https' } as const;
    const access = await gitAccess(ref, place, context, signal);
    const { namespace, maxAgeMs } = context;
    return { reference, access, asker: this.#remote.askerOf(named, access, namespace), maxAgeMs };
  }

  async #commit(question: GitQuestion, signal: AbortSignal): Promise<ResolvedCommit> {
    const { reference, access, asker, maxAgeMs } = question;
    const { place, ref = '' } = reference;
    const isStated = /^[0-9a-f]{40}$/i.test(ref);
    const load = (given: AbortSignal): Promise<ResolvedCommit> =>
      this.#remote.ask(
        asker,
        async (limit) => {
          // What is taken at its word tells nothing about who may have it.
          if (isStated) await this.#git.check(reference, access, limit);
          const resolved = await this.#git.resolve(reference, access, limit);
          this.#remote.grants.grant(place, REPOSITORY, asker.key);
          return resolved;
        },
        given,
      );
    try {
      const key = JSON.stringify([place, ref, asker.key]);
      return (await this.#commits.ask({ key, maxAgeMs }, load, signal)).value;
    } catch (error) {
      // A repository that one may not read is not there, to many a server.
      const isRefusal = isSourceError(error, 'SOURCE_AUTH', 'SOURCE_NOT_FOUND');
      if (isRefusal) this.#remote.grants.withdraw(place, REPOSITORY, asker.key);
      throw error;
    }
  }

  /** @throws SourceError where the server does not let these credentials read the repository */
  async #prove(question: GitQuestion, signal: AbortSignal): Promise<void> {
    const { grants } = this.#remote;
    const known = [question.reference.place, REPOSITORY, question.asker.key] as const;
    if (grants.has(...known)) return;
    try {
      const maxAgeMs = Math.min(question.maxAgeMs, MAX_PROOF_AGE_MS);
      await this.#commit({ ...question, maxAgeMs }, signal);
    } catch (error) {
      const isSilent = isSourceError(error, 'SOURCE_UNAVAILABLE');
      if (!isSilent || !grants.had(...known)) throw error;
    }
  }
}

/** The reference to the folder of the package, so that what belongs to its module is fetched and nothing else. */
function withFolder(reference: GitReference, { path }: CueRef): GitReference {
  const below = (path ?? '').replace(/^(\.?\/)+/, '').replace(/\/+$/, '');
  if (below === '' || below === '.') return reference;
  const { folder } = reference;
  return { ...reference, folder: folder === undefined ? below : `${folder}/${below}` };
}
