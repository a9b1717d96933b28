import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ProgramResult, type Registry, runCue } from '../../servers/index.ts';

/** A folder with modules as files, and cue beside it with a cache of its own. */
export interface Workshop extends AsyncDisposable {
  readonly directory: string;
  /** Writes `files` below `folder`, by relative path. */
  write(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void>;
  /** Runs cue in `folder`, with a registry over plain HTTP; fails unless it ends with 0. Its output. */
  cue(folder: string, ...args: readonly string[]): Promise<string>;
}

export async function openWorkshop(registry: Registry): Promise<Workshop> {
  const directory = await mkdtemp(join(tmpdir(), 'interop-'));
  const env = {
    CUE_REGISTRY: `${registry.host}+insecure`,
    CUE_CACHE_DIR: join(directory, 'cue-cache'),
    DOCKER_CONFIG: directory,
  };
  const run = (folder: string, args: readonly string[]): Promise<ProgramResult> =>
    runCue(args, { cwd: join(directory, folder), env });
  return {
    directory,
    write: async (folder, files) => {
      for (const [name, content] of Object.entries(files)) {
        const path = join(directory, folder, name);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, content);
      }
    },
    cue: async (folder, ...args) => {
      const { exitCode, stdout, stderr } = await run(folder, args);
      if (exitCode !== 0) throw new Error(`cue ${args.join(' ')}: ${stderr}`);
      return stdout;
    },
    [Symbol.asyncDispose]: async () => {
      // cue makes the folders of its cache read-only.
      await run('.', ['clean', '--modcache']);
      await rm(directory, { recursive: true });
    },
  };
}

/** The module file of a module that can be published. */
export function moduleFile(path: string, deps: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(deps).map(([name, version]) => `deps: "${name}": v: "${version}"`);
  return [`module: "${path}"`, 'language: version: "v0.16.0"', 'source: kind: "self"', ...lines, ''].join(
    '\n',
  );
}
