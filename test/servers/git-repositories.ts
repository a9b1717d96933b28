// Bare repositories, written by git itself: `git fast-import` takes any tree, links and submodules included, in one go.
// Times and names are fixed, so that the same contents have the same commit ids in every run.
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './run-program.ts';

/** What a path of a commit holds: a file, a symbolic link, a submodule at a commit; null takes it away. */
export type GitEntry =
  | string
  | Uint8Array
  | { readonly symlink: string }
  | { readonly submodule: string }
  | { readonly executable: string }
  | null;

export type GitFiles = Readonly<Record<string, GitEntry>>;

/** Which commits a client may ask for by their id, where it speaks a protocol older than 2. */
export type AllowedWants = 'tips' | 'reachable' | 'any';

/** A bare repository. Whatever takes a revision knows all of git's words for it. */
export interface GitRepository {
  /** As the repositories' server knows it: `modules/app.git`. */
  readonly path: string;
  readonly directory: string;
  /** Adds a commit to a branch (`main` unless another is named) and returns its id. */
  commit(files: GitFiles, options?: { readonly branch?: string; readonly message?: string }): Promise<string>;
  /** Makes or moves a branch. */
  branch(name: string, at?: string): Promise<void>;
  /** Makes or moves a tag, light or annotated, and returns what it names: a commit, or the tag object's own id. */
  tag(name: string, options?: { readonly at?: string; readonly isAnnotated?: boolean }): Promise<string>;
  resolve(revision: string): Promise<string>;
  /** Any other command of git in the repository; its output. */
  git(...args: readonly string[]): Promise<string>;
}

const PERSON = 'Pequod <pequod@test.example>';
const FIRST_COMMIT_SECONDS = 1_750_000_000;

/** Nothing of the machine's or the user's settings reaches the git commands of tests. */
export const GIT_ENVIRONMENT: Readonly<Record<string, string>> = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Pequod',
  GIT_AUTHOR_EMAIL: 'pequod@test.example',
  GIT_AUTHOR_DATE: `${FIRST_COMMIT_SECONDS} +0000`,
  GIT_COMMITTER_NAME: 'Pequod',
  GIT_COMMITTER_EMAIL: 'pequod@test.example',
  GIT_COMMITTER_DATE: `${FIRST_COMMIT_SECONDS} +0000`,
};

/** The stand-in that Git LFS puts in the place of a large file. */
export function lfsPointer(content: string): string {
  const sha256 = createHash('sha256').update(content).digest('hex');
  return `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${Buffer.byteLength(content)}\n`;
}

/** Makes `<root>/<name>.git` with one commit of `files` on `main`. */
export async function createGitRepository(
  root: string,
  name: string,
  files: GitFiles,
  wants: AllowedWants,
): Promise<GitRepository> {
  const path = `${name}.git`;
  const directory = join(root, path);
  await mkdir(directory, { recursive: true });
  let commits = 0;

  const run = async (args: readonly string[], stdin: string | Uint8Array = ''): Promise<string> => {
    const result = await runProgram('git', args, { cwd: directory, env: GIT_ENVIRONMENT, stdin });
    if (result.exitCode !== 0) throw new Error(`git ${args.join(' ')}: ${result.stderr}`);
    return result.stdout.trim();
  };
  const resolve = (revision: string): Promise<string> => run(['rev-parse', '--verify', revision]);

  const repository: GitRepository = {
    path,
    directory,
    resolve,
    git: (...args) => run(args),
    commit: async (changes, { branch = 'main', message = `change ${commits + 1}` } = {}) => {
      const ref = `refs/heads/${branch}`;
      const hasParent = (await run(['for-each-ref', ref])) !== '';
      const when = FIRST_COMMIT_SECONDS + commits;
      commits += 1;
      const head = [`commit ${ref}`, `committer ${PERSON} ${when} +0000`, ''].join('\n');
      const stream = Buffer.concat([
        Buffer.from(head),
        data(message),
        Buffer.from(hasParent ? `from ${ref}^0\n` : ''),
        ...Object.entries(changes).map(([file, entry]) => change(file, entry)),
      ]);
      await run(['fast-import', '--quiet', '--date-format=raw'], stream);
      return await resolve(ref);
    },
    branch: async (branch, at = 'main') => {
      await run(['branch', '--force', branch, at]);
    },
    tag: async (tag, { at = 'main', isAnnotated = false } = {}) => {
      await run(['tag', '--force', ...(isAnnotated ? ['-a', '-m', tag] : []), tag, at]);
      return await resolve(`refs/tags/${tag}`);
    },
  };

  await run(['init', '--quiet', '--bare', '--initial-branch=main', '.']);
  await run(['config', 'uploadpack.allowFilter', 'true']);
  // Only what is allowed: `allowAnySHA1InWant = false` would take the weaker permission away too.
  if (wants === 'reachable') await run(['config', 'uploadpack.allowReachableSHA1InWant', 'true']);
  if (wants === 'any') await run(['config', 'uploadpack.allowAnySHA1InWant', 'true']);
  await repository.commit(files);
  return repository;
}

/** A path's lines in a commit of fast-import. */
function change(path: string, entry: GitEntry): Buffer {
  const name = JSON.stringify(path);
  const file = (mode: string, content: string | Uint8Array): Buffer =>
    Buffer.concat([Buffer.from(`M ${mode} inline ${name}\n`), data(content)]);
  if (entry === null) return Buffer.from(`D ${name}\n`);
  if (typeof entry === 'string' || entry instanceof Uint8Array) return file('100644', entry);
  if ('symlink' in entry) return file('120000', entry.symlink);
  if ('submodule' in entry) return Buffer.from(`M 160000 ${entry.submodule} ${name}\n`);
  return file('100755', entry.executable);
}

function data(content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from('\n')]);
}
