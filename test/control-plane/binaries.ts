// Where the programs of a set come from: KUBEBUILDER_ASSETS, the cache, or a build into the cache.
// Nothing half-written is ever seen: programs are made in a folder beside the cache and renamed into it one by one.
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { downloadBinaries } from './download.ts';
import { buildBinaries, findGo, type Report } from './go-build.ts';
import { withLock } from './install-lock.ts';
import { CONTROL_PLANE, CUE, HELM, ORAS_TOOL, type ProgramSet, REGISTRY } from './program-sets.ts';
import { type BinaryName, hostPlatform, type ProgramName } from './versions.ts';

/** The programs of a set, ready to run. */
export interface Programs<Name extends ProgramName> {
  /** The cache folder; programs from KUBEBUILDER_ASSETS lie elsewhere, {@link Programs.path} knows. */
  readonly directory: string;
  path(name: Name): string;
}

/** The programs of a control plane. */
export type Binaries = Programs<BinaryName>;

/** How to get programs that are missing: by Go where it is installed, else by download. */
export type BinarySource = 'auto' | 'go' | 'download';

export interface EnsureOptions {
  readonly source?: BinarySource;
  /** Takes progress lines; by default they go to standard error. Silent when nothing is missing. */
  readonly report?: Report;
  /** Defaults to the process's. Read are KUBEBUILDER_ASSETS, PEQUOD_CONTROL_PLANE_CACHE and XDG_CACHE_HOME; Go gets all. */
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}

const WORKSHOP_SUFFIX = '.partial-';
const ENSURE_TIMEOUT_MS = 60 * 60_000;

/**
 * Finds the control plane's programs, and makes those that are missing: some minutes, once per machine and version.
 * KUBEBUILDER_ASSETS should hold the pinned Kubernetes minor version: the controller manager and the scheduler, which
 * it lacks, must not be newer than its API server.
 */
export async function ensureBinaries(options: EnsureOptions = {}): Promise<Binaries> {
  return await ensurePrograms(CONTROL_PLANE, options);
}

/** The path of Helm, which is made where it is missing. Only what is tested with Helm needs it. */
export async function ensureHelm(options: EnsureOptions = {}): Promise<string> {
  return (await ensurePrograms(HELM, options)).path('helm');
}

/** The path of the OCI registry, which is made where it is missing. */
export async function ensureRegistry(options: EnsureOptions = {}): Promise<string> {
  return (await ensurePrograms(REGISTRY, options)).path('registry');
}

/** The path of the cue command, which is made where it is missing. */
export async function ensureCue(options: EnsureOptions = {}): Promise<string> {
  return (await ensurePrograms(CUE, options)).path('cue');
}

/** The path of the client of OCI artifacts, which is made where it is missing. */
export async function ensureOrasTool(options: EnsureOptions = {}): Promise<string> {
  return (await ensurePrograms(ORAS_TOOL, options)).path('oras-tool');
}

/** The programs that only Go makes, where there is no Go and they were not made before. */
export async function unavailablePrograms(
  env: NodeJS.ProcessEnv = process.env,
): Promise<readonly ProgramName[]> {
  const missing: ProgramName[] = [];
  for (const { key, names } of [REGISTRY, CUE, ORAS_TOOL]) {
    for (const name of names) {
      if (!(await isExecutable(join(cacheDirectory(env, key), name)))) missing.push(name);
    }
  }
  return missing.length === 0 || (await findGo(env)) !== undefined ? [] : missing;
}

async function ensurePrograms<Name extends ProgramName>(
  set: ProgramSet<Name>,
  options: EnsureOptions,
): Promise<Programs<Name>> {
  const env = options.env ?? process.env;
  const report = options.report ?? ((line: string) => void process.stderr.write(`control plane: ${line}\n`));
  const signal = options.signal ?? AbortSignal.timeout(ENSURE_TIMEOUT_MS);
  const directory = cacheDirectory(env, set.key);
  const assets = env['KUBEBUILDER_ASSETS'];
  const found = new Map<Name, string>();
  const findMissing = async (): Promise<Name[]> => {
    for (const name of set.names) {
      const places = assets === undefined || assets === '' ? [directory] : [assets, directory];
      for (const place of places.toReversed()) {
        if (await isExecutable(join(place, name))) found.set(name, join(place, name));
      }
    }
    return set.names.filter((name) => !found.has(name));
  };
  if ((await findMissing()).length > 0) {
    await mkdir(directory, { recursive: true });
    const onWait = (holder: string): void => report(`waiting for ${holder}, which is making the programs`);
    await withLock(`${directory}.lock`, onWait, signal, async () => {
      const missing = await findMissing();
      await removeLeftovers(directory);
      if (missing.length > 0)
        await install(set, missing, directory, { source: options.source ?? 'auto', env, report, signal });
    });
    const missing = await findMissing();
    if (missing.length > 0) throw new Error(`programs are still missing: ${missing.join(', ')}`);
  }
  return {
    directory,
    path: (name) => found.get(name) ?? join(directory, name),
  };
}

function cacheDirectory(env: NodeJS.ProcessEnv, key: string): string {
  const cache = env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const root = env['PEQUOD_CONTROL_PLANE_CACHE'] || join(cache, 'pequod', 'control-plane');
  return join(root, key);
}

interface Means {
  readonly source: BinarySource;
  readonly env: NodeJS.ProcessEnv;
  readonly report: Report;
  readonly signal: AbortSignal;
}

async function install(
  { sources, versions, buildTime, needsGo }: ProgramSet<ProgramName>,
  names: readonly ProgramName[],
  directory: string,
  { source, env, report, signal }: Means,
): Promise<void> {
  const go = source === 'download' ? undefined : await findGo(env);
  if (source === 'go' && go === undefined) throw new Error('go is not installed or does not run');
  if (needsGo && go === undefined)
    throw new Error(`${versions} is made by Go, which is not installed or unwanted`);
  report(`not there yet: ${names.join(', ')} (${versions})`);
  const workshop = await mkdtemp(`${directory}${WORKSHOP_SUFFIX}`);
  try {
    if (go !== undefined) {
      report(`building from source with ${go}: ${buildTime}, only this once; cache: ${directory}`);
      await buildBinaries(names, sources, hostPlatform(), workshop, env, report, signal);
    } else {
      report(`there is no Go to build with: downloading the official ones; cache: ${directory}`);
      await downloadBinaries(names, hostPlatform(), workshop, report, signal);
    }
    for (const name of names) await rename(join(workshop, name), join(directory, name));
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

/** Workshops of runs that were killed. Only the holder of the lock may call this. */
async function removeLeftovers(directory: string): Promise<void> {
  const parent = dirname(directory);
  for (const name of await readdir(parent)) {
    if (!name.startsWith(`${basename(directory)}${WORKSHOP_SUFFIX}`)) continue;
    await rm(join(parent, name), { recursive: true, force: true });
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
