import { spawn } from 'node:child_process';
import { totalmem } from 'node:os';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { type Platform, type ProgramName, VERSIONS } from './versions.ts';

/** Takes one line of progress. */
export type Report = (line: string) => void;

const REPORT_MS = 15_000;
const GIBIBYTE = 1024 ** 3;
const ERROR_LINES = 20;

const PACKAGES: Readonly<Record<ProgramName, string>> = {
  etcd: './etcd',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  kwok: 'sigs.k8s.io/kwok/cmd/kwok',
  helm: 'helm.sh/helm/v4/cmd/helm',
  registry: 'pequod.local/registry',
  cue: 'cuelang.org/go/cmd/cue',
  'oras-tool': 'pequod.local/oras-tool',
};

/** The installed Go's version ("go1.26.8"), or undefined where there is none. */
export async function findGo(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const child = spawn('go', ['env', 'GOVERSION'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const isFound = new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false));
    child.once('close', (code) => resolve(code === 0));
  });
  const version = (await text(child.stdout)).trim();
  return (await isFound) ? version : undefined;
}

/**
 * Compiles the programs into `directory`, with modules from Go's module proxy, checked against the go.sum in `sources`.
 * All in one call, which compiles the packages that they share once. Reports every 15 seconds.
 */
export async function buildBinaries(
  names: readonly ProgramName[],
  sources: string,
  platform: Platform,
  directory: string,
  env: NodeJS.ProcessEnv,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const args = [
    'build',
    '-v',
    '-trimpath',
    '-buildvcs=false',
    '-gcflags=all=-dwarf=false', // with the linker's -s -w: no debugging information, which takes time to write
    `-ldflags=-s -w ${versionFlags()}`,
    '-o',
    `${directory}/`,
    ...names.map((name) => PACKAGES[name]),
  ];
  const child = spawn('go', args, {
    cwd: sources,
    env: buildEnvironment(env, platform),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, killer) => resolve(`${code ?? killer}`));
  });
  const kill = (): boolean => child.kill();
  signal.addEventListener('abort', kill, { once: true });
  const start = Date.now();
  const progress = { modules: 0, packages: 0 };
  const other: string[] = [];
  const timer = setInterval(() => {
    report(
      `${progress.modules} modules downloaded, ${progress.packages} packages compiled, ${duration(start)}`,
    );
  }, REPORT_MS);
  try {
    for await (const line of createInterface({ input: child.stderr })) {
      if (line.startsWith('go: downloading ')) progress.modules += 1;
      else if (/^[\w.~/-]+$/.test(line)) progress.packages += 1;
      else other.push(line);
    }
    const how = await ended;
    signal.throwIfAborted();
    if (how !== '0') throw new Error(`go build ended with ${how}:\n${other.slice(-ERROR_LINES).join('\n')}`);
  } finally {
    signal.removeEventListener('abort', kill);
    clearInterval(timer);
  }
  report(`built ${names.length} programs (${progress.packages} packages) in ${duration(start)}`);
}

/** The caller's Go settings must not change what is built: no workspace, no vendoring, no cross-compilation. */
function buildEnvironment(env: NodeJS.ProcessEnv, platform: Platform): NodeJS.ProcessEnv {
  // The compiler spends a fifth of its time in garbage collection; where there is memory, let it collect less.
  const gogc = totalmem() > 12 * GIBIBYTE ? '400' : '100';
  return {
    ...env,
    CGO_ENABLED: '0',
    GOFLAGS: '-mod=readonly',
    GOWORK: 'off',
    GOOS: platform.os,
    GOARCH: platform.arch,
    GOGC: env['GOGC'] ?? gogc,
  };
}

/** Without these, the programs would call themselves v0.0.0-master, and clients choose features by the version. */
function versionFlags(): string {
  const [major, minor] = VERSIONS.kubernetes.split('.');
  const values = {
    gitVersion: `v${VERSIONS.kubernetes}`,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: 'archive',
  };
  return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
    .flatMap((path) => Object.entries(values).map(([name, value]) => `-X ${path}.${name}=${value}`))
    .join(' ');
}

/** Time since `start` for people: "45 s", "3 min 5 s". */
export function duration(start: number): string {
  const seconds = Math.round((Date.now() - start) / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
