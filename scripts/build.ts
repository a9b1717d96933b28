// Compiles into dist/, and tries it: the program, the CUE that ships with it, and cuelang-wasm as a dependency beside it, so that
// dist/ and the production dependencies are all that an image needs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
const ENGINE = join(ROOT, 'packages', 'cuelang-wasm');
const BUILT_ENGINE = join(DIST, 'node_modules', 'cuelang-wasm');

process.stdout.write('==> compiling to dist/\n');
await rm(DIST, { recursive: true, force: true });
if (!(await succeeds('tsc', ['-p', 'tsconfig.build.json']))) process.exit(1);
await mkdir(dirname(BUILT_ENGINE), { recursive: true });
await rename(join(DIST, 'packages', 'cuelang-wasm'), BUILT_ENGINE);
await rm(join(DIST, 'packages'), { recursive: true, force: true });
await copyWithoutSources(ENGINE, BUILT_ENGINE);
await cp(join(ROOT, 'cue'), join(DIST, 'cue'), { recursive: true, filter: isShipped });
await writePackageFile(join(ENGINE, 'package.json'), join(BUILT_ENGINE, 'package.json'), []);
await writePackageFile(join(ROOT, 'package.json'), join(DIST, 'package.json'), [
  'devDependencies',
  'scripts',
  'workspaces',
  'bin',
]);

process.stdout.write('==> trying what was built\n');
const example = join(ROOT, 'examples', 'webservice.yaml');
const program = join(DIST, 'src', 'cli', 'pequod.js');
if (!(await succeeds(process.execPath, [program, 'validate', '-f', example]))) process.exit(1);

/** Runs a program, which speaks for itself. */
async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit' });
  const [exitCode] = await once(child, 'close');
  return exitCode === 0;
}

/** The package's data: everything that is not TypeScript or Go. */
async function copyWithoutSources(from: string, to: string): Promise<void> {
  const skipped = new Set(['go', 'node_modules', 'package.json', 'scripts']);
  await cp(from, to, {
    recursive: true,
    filter: (path) => {
      const [top = ''] = relative(from, path).split('/');
      return !skipped.has(top) && !path.endsWith('.ts');
    },
  });
}

function isShipped(path: string): boolean {
  return !path.includes('/testdata') && !path.endsWith('.ts');
}

/** A package.json whose entry points are the compiled files, without what only development needs. */
async function writePackageFile(from: string, to: string, dropped: readonly string[]): Promise<void> {
  const content: unknown = JSON.parse(await readFile(from, 'utf8'), (key, value) => {
    if (dropped.includes(key)) return undefined;
    return typeof value === 'string' && value.startsWith('./') ? value.replace(/\.ts$/, '.js') : value;
  });
  await writeFile(to, `${JSON.stringify(content, null, 2)}\n`);
}
