// A running control plane and its life: start in order of need, stop in the opposite order (an API server whose etcd
// went first hangs for minutes). Each program is watched by the reaper from the moment it exists, so nothing stays
// behind, whatever happens to this process.
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accessControlPlane, type ControlPlaneAccess } from './access.ts';
import { type Binaries, ensureBinaries } from './binaries.ts';
import { addNode, choosePort, isServerReady, waitForDefaults } from './bootstrap.ts';
import { ComponentProcess, type ComponentSpec } from './component-process.ts';
import {
  apiServerSpec,
  controllerManagerSpec,
  etcdSpec,
  kwokSpec,
  OPTIONAL_COMPONENTS,
  type OptionalComponent,
  schedulerSpec,
} from './components.ts';
import { openAdminClient } from './kubeconfig.ts';
import { type Layout, layoutOf } from './layout.ts';
import { createPki } from './pki.ts';
import { ReaperLink } from './reaper-link.ts';

export interface ControlPlaneOptions {
  /** Log every request at level Metadata, each in the file before its request is over. */
  readonly audit?: boolean;
  /** What runs beside etcd and the API server; by default all. Without kwok there is no node. */
  readonly components?: readonly OptionalComponent[];
  /** Further flags of kube-apiserver, after and so above the harness's own. */
  readonly apiServerFlags?: readonly string[];
  /** The programs; by default {@link ensureBinaries} finds or makes them. */
  readonly binaries?: Binaries;
}

/** One program of a running control plane. */
export interface ControlPlaneProcess {
  readonly name: string;
  readonly pid: number;
  /** Undefined for the reaper, which writes none. */
  readonly logPath: string | undefined;
}

/** A control plane that this process started. */
export interface ControlPlane extends ControlPlaneAccess {
  /** The programs that run now, and the reaper. */
  processes(): readonly ControlPlaneProcess[];
  /** Stops everything and removes the directory. May be called again. */
  stop(): Promise<void>;
  /**
   * Takes the API server away, for outage tests: it closes its watches and ends, or it crashes. Its controllers,
   * scheduler and kwok go too; left alone, they would come back only after their backoff of up to half a minute.
   */
  stopApiServer(how?: 'gracefully' | 'at-once'): Promise<void>;
  /** Brings it back, with the same port and data, and then the others; resolves when the server is ready. */
  startApiServer(signal?: AbortSignal): Promise<void>;
}

const START_TIMEOUT_MS = 120_000;
const BIND_ATTEMPTS = 3;
const MAX_SOCKET_PATH_BYTES = 103;

/**
 * Starts a control plane and resolves when it is ready for use: /readyz is ok and, as far as the parts run, the
 * default service account exists and the node takes pods. When that fails or `signal` fires (default: after two
 * minutes), everything started so far is removed and the error carries the last log lines of what failed.
 */
export async function startControlPlane(
  options: ControlPlaneOptions = {},
  signal: AbortSignal = AbortSignal.timeout(START_TIMEOUT_MS),
): Promise<ControlPlane> {
  const binaries = options.binaries ?? (await ensureBinaries());
  const layout = layoutOf(await mkdtemp(join(tmpdir(), 'pequod-control-plane-')));
  const reaper = new ReaperLink(layout.root);
  const abort = new AbortController();
  try {
    if (Buffer.byteLength(layout.etcdSocket) > MAX_SOCKET_PATH_BYTES) {
      throw new Error(`the path of the temporary folder is too long for a socket: ${layout.etcdSocket}`);
    }
    return await start(options, binaries, layout, reaper, AbortSignal.any([signal, abort.signal]));
  } catch (error) {
    abort.abort();
    await reaper.release();
    throw error;
  }
}

async function start(
  options: ControlPlaneOptions,
  binaries: Binaries,
  layout: Layout,
  reaper: ReaperLink,
  signal: AbortSignal,
): Promise<ControlPlane> {
  for (const folder of [layout.pki, layout.kubeconfigs, layout.logs]) await mkdir(folder);
  const pki = await createPki(layout);
  const etcd = new ComponentProcess(etcdSpec(binaries, layout), reaper);
  const apiServer = await etcd.orEnd(startOnFreePort(options, binaries, layout, reaper, signal));

  const has = (component: OptionalComponent): boolean =>
    (options.components ?? OPTIONAL_COMPONENTS).includes(component);
  const specs: ComponentSpec[] = [];
  if (has('kwok')) specs.push(kwokSpec(binaries, layout, await pki.writeKubeconfig('kwok', apiServer.url)));
  if (has('scheduler')) {
    const kubeconfig = await pki.writeKubeconfig('kube-scheduler', apiServer.url);
    specs.push(schedulerSpec(binaries, layout, kubeconfig));
  }
  if (has('controller-manager')) {
    const kubeconfig = await pki.writeKubeconfig('kube-controller-manager', apiServer.url);
    specs.push(controllerManagerSpec(binaries, layout, kubeconfig));
  }
  const others = specs.map((spec) => new ComponentProcess(spec, reaper));

  const client = await openAdminClient(apiServer.url, layout);
  try {
    const settle = async (): Promise<void> => {
      if (has('kwok')) await addNode(client, signal);
      await waitForDefaults(
        client,
        { hasControllers: has('controller-manager'), hasNode: has('kwok') },
        signal,
      );
    };
    await [etcd, apiServer.process, ...others].reduce<Promise<void>>(
      (wait, process) => process.orEnd(wait),
      settle(),
    );
  } finally {
    await client.close();
  }
  const access = accessControlPlane({
    url: apiServer.url,
    caFile: layout.caFile,
    kubeconfigPath: await pki.writeKubeconfig('admin', apiServer.url),
    kubectlPath: binaries.path('kubectl'),
    binaryDirectory: binaries.directory,
    directory: layout.root,
    logDirectory: layout.logs,
    auditLogPath: options.audit === true ? layout.auditLog : undefined,
  });
  return manage(access, layout, { etcd, apiServer: apiServer.process, others }, reaper);
}

interface StartedApiServer {
  readonly process: ComponentProcess;
  readonly url: string;
}

/** Somebody else may take the port between the choice and the server's start: then it is another port's turn. */
async function startOnFreePort(
  options: ControlPlaneOptions,
  binaries: Binaries,
  layout: Layout,
  reaper: ReaperLink,
  signal: AbortSignal,
): Promise<StartedApiServer> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await choosePort();
    const url = `https://127.0.0.1:${port}`;
    const settings = { port, hasAudit: options.audit === true, extraFlags: options.apiServerFlags ?? [] };
    const process = new ComponentProcess(apiServerSpec(binaries, layout, settings), reaper);
    try {
      await waitUntilReady(process, url, layout, signal);
      return { process, url };
    } catch (error) {
      const isTaken = process.hasEnded && process.lastLines().includes('address already in use');
      if (!isTaken || attempt === BIND_ATTEMPTS) throw error;
    }
  }
}

async function waitUntilReady(
  process: ComponentProcess,
  url: string,
  layout: Layout,
  signal: AbortSignal,
): Promise<void> {
  const client = await openAdminClient(url, layout);
  const end = new AbortController();
  try {
    await process.orEnd(client.waitFor('/readyz', isServerReady, AbortSignal.any([signal, end.signal])));
  } finally {
    end.abort();
    await client.close();
  }
}

interface Processes {
  readonly etcd: ComponentProcess;
  apiServer: ComponentProcess;
  /** In the order in which they stop. */
  others: readonly ComponentProcess[];
}

function manage(
  access: ControlPlaneAccess,
  layout: Layout,
  running: Processes,
  reaper: ReaperLink,
): ControlPlane {
  let stopping: Promise<void> | undefined;
  const all = (): ComponentProcess[] => [...running.others, running.apiServer, running.etcd];
  const stop = async (): Promise<void> => {
    for (const process of all()) await process.stop();
    await reaper.release();
  };
  return {
    ...access,
    processes: () => [
      ...all()
        .filter((process) => !process.hasEnded)
        .map(({ pid, spec }) => ({ name: spec.name, pid, logPath: spec.logPath })),
      { name: 'reaper', pid: reaper.pid, logPath: undefined },
    ],
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
    stopApiServer: async (how = 'gracefully') => {
      await Promise.all(running.others.map((process) => process.stop('SIGKILL')));
      await running.apiServer.stop(how === 'at-once' ? 'SIGKILL' : 'SIGTERM');
    },
    startApiServer: async (signal = AbortSignal.timeout(START_TIMEOUT_MS)) => {
      if (!running.apiServer.hasEnded) throw new Error('the API server is still running');
      running.apiServer = new ComponentProcess(running.apiServer.spec, reaper);
      await waitUntilReady(running.apiServer, access.url, layout, signal);
      running.others = running.others.map(({ spec }) => new ComponentProcess(spec, reaper));
    },
  };
}
