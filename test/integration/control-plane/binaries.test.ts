import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureBinaries, ensureHelm } from '../../control-plane/index.ts';

let root: string;
let env: NodeJS.ProcessEnv;
let lines: string[];
const report = (line: string): void => void lines.push(line);

// A stand-in for Go that notes each build, takes its time, and puts an empty program where each package belongs.
const GO = `#!/bin/sh
if [ "$1" = env ]; then echo go1.26.0; exit 0; fi
echo build >> "$GO_CALLS"
if [ -n "$GO_FAILS" ]; then echo "cannot find module" >&2; exit 1; fi
echo k8s.io/api/core/v1 >&2
while [ $# -gt 0 ]; do
  case "$1" in
    -o) out=$2; shift ;;
    -*) ;;
    */*) printf '#!/bin/sh\\n' > "$out$(basename "$1")"; chmod +x "$out$(basename "$1")"; sleep 0.05 ;;
  esac
  shift
done
`;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'binaries-'));
  lines = [];
  env = {
    PATH: `${join(root, 'bin')}:/usr/bin:/bin`,
    GO_CALLS: join(root, 'calls'),
    PEQUOD_CONTROL_PLANE_CACHE: join(root, 'cache'),
  };
  await mkdir(join(root, 'bin'));
  await program(join(root, 'bin', 'go'), GO);
});

afterEach(() => rm(root, { recursive: true }));

async function program(path: string, text = '#!/bin/sh\n'): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o755);
}

async function builds(): Promise<number> {
  return (await readFile(join(root, 'calls'), 'utf8')).trim().split('\n').length;
}

test('two runs at once build once, and a third finds the programs without a word', async () => {
  const [first, second] = await Promise.all([
    ensureBinaries({ env, report }),
    ensureBinaries({ env, report }),
  ]);
  expect(first.path('kwok')).toBe(second.path('kwok'));
  expect(await builds()).toBe(1);
  expect(lines).toEqual(
    expect.arrayContaining([
      expect.stringContaining('building from source with go1.26.0'),
      expect.stringContaining(`waiting for process ${process.pid}`),
      expect.stringContaining('built 6 programs (1 packages)'),
    ]),
  );
  lines = [];
  await ensureBinaries({ env, report });
  expect(lines).toEqual([]);
  expect((await readdir(first.directory)).toSorted()).toEqual([
    'etcd',
    'kube-apiserver',
    'kube-controller-manager',
    'kube-scheduler',
    'kubectl',
    'kwok',
  ]);
  expect(await readdir(join(root, 'cache'))).toHaveLength(1);
});

test('Helm is built only where it is asked for, in a folder of its own', async () => {
  const { directory } = await ensureBinaries({ env, report });
  const helm = await ensureHelm({ env, report });
  expect(await ensureHelm({ env, report })).toBe(helm);
  expect(dirname(helm)).not.toBe(directory);
  expect(await builds()).toBe(2);
  expect(await readdir(dirname(helm))).toEqual(['helm']);
  expect(await readdir(join(root, 'cache'))).toHaveLength(2);
});

test('programs in KUBEBUILDER_ASSETS are taken, and only the others are built', async () => {
  const assets = join(root, 'assets');
  await mkdir(assets);
  for (const name of ['etcd', 'kube-apiserver', 'kubectl']) await program(join(assets, name));
  const binaries = await ensureBinaries({ env: { ...env, KUBEBUILDER_ASSETS: assets }, report });
  expect(binaries.path('kube-apiserver')).toBe(join(assets, 'kube-apiserver'));
  expect(binaries.path('kwok')).toBe(join(binaries.directory, 'kwok'));
  expect((await readdir(binaries.directory)).toSorted()).toEqual([
    'kube-controller-manager',
    'kube-scheduler',
    'kwok',
  ]);
});

test('a failed build says why, leaves nothing, and the next one works', async () => {
  await expect(ensureBinaries({ env: { ...env, GO_FAILS: '1' }, report })).rejects.toThrow(
    'cannot find module',
  );
  const binaries = await ensureBinaries({ env, report });
  expect(await readdir(join(root, 'cache'))).toEqual([binaries.directory.split('/').at(-1)]);
});

test('the lock and the half-made programs of a killed run are cleared away', async () => {
  const { directory } = await ensureBinaries({ env, report });
  await rm(directory, { recursive: true });
  const noSuchPid = 2 ** 22 + 1; // beyond the largest number that a system gives
  await writeFile(`${directory}.lock`, `${noSuchPid} ${hostname()} left-behind`);
  await mkdir(`${directory}.partial-abc`);
  await ensureBinaries({ env, report });
  expect(await builds()).toBe(2);
  expect(await readdir(join(root, 'cache'))).toHaveLength(1);
});
