// The command line of each program. Nothing here starts anything.
import { fileURLToPath } from 'node:url';
import type { Binaries } from './binaries.ts';
import type { ComponentSpec } from './component-process.ts';
import { type Layout, pkiFile } from './layout.ts';
import type { BinaryName } from './versions.ts';

/** Programs that a caller may leave out; etcd and the API server always run. */
export const OPTIONAL_COMPONENTS = ['controller-manager', 'scheduler', 'kwok'] as const;

export type OptionalComponent = (typeof OPTIONAL_COMPONENTS)[number];

/** Address range of Services, and the first address of it: the API server's own. */
export const SERVICE_RANGE = '10.96.0.0/16';
export const SERVICE_ADDRESS = '10.96.0.1';

const ISSUER = 'https://kubernetes.default.svc';
const POD_RANGE = '10.244.0.1/16';
const NODE_ADDRESS = '10.0.0.1';

/** etcd listens on a socket in the directory only: no port, and nobody else can reach it. */
export function etcdSpec(binaries: Binaries, layout: Layout): ComponentSpec {
  // The peer and advertised addresses of a single member are never dialled, but must look like host:port; as unix
  // URLs they become files in the working directory.
  const peer = 'unix://peer:1';
  return spec(binaries, layout, 'etcd', 3_000, [
    '--name=pequod',
    `--data-dir=${layout.etcd}`,
    '--unsafe-no-fsync',
    '--heartbeat-interval=10',
    '--election-timeout=100',
    '--quota-backend-bytes=4294967296',
    `--listen-client-urls=unix://${layout.etcdSocket}`,
    '--advertise-client-urls=unix://client:1',
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=pequod=${peer}`,
    '--log-level=warn',
  ]);
}

/** What the caller decides about the API server. */
export interface ApiServerSettings {
  readonly port: number;
  readonly hasAudit: boolean;
  readonly extraFlags: readonly string[];
}

export function apiServerSpec(
  binaries: Binaries,
  layout: Layout,
  settings: ApiServerSettings,
): ComponentSpec {
  const audit = [
    `--audit-policy-file=${configFile('audit-policy.yaml')}`,
    `--audit-log-path=${layout.auditLog}`,
    '--audit-log-mode=blocking', // an entry is in the file before the request is over
    '--audit-log-maxsize=100000', // megabytes: never rotated, offsets stay valid
  ];
  return spec(binaries, layout, 'kube-apiserver', 8_000, [
    `--etcd-servers=unix://${layout.etcdSocket}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    '--endpoint-reconciler-type=none', // a loopback address is no valid endpoint of the kubernetes Service
    `--secure-port=${settings.port}`,
    `--tls-cert-file=${pkiFile(layout, 'kube-apiserver.crt')}`,
    `--tls-private-key-file=${pkiFile(layout, 'kube-apiserver.key')}`,
    `--client-ca-file=${layout.caFile}`,
    `--service-account-issuer=${ISSUER}`,
    `--service-account-key-file=${pkiFile(layout, 'service-account.pub')}`,
    `--service-account-signing-key-file=${pkiFile(layout, 'service-account.key')}`,
    '--authorization-mode=RBAC',
    `--service-cluster-ip-range=${SERVICE_RANGE}`,
    '--allow-privileged=true',
    '--shutdown-watch-termination-grace-period=1s', // else it waits for its watchers until it is killed
    '--profiling=false',
    ...(settings.hasAudit ? audit : []),
    ...settings.extraFlags,
  ]);
}

/** One instance each, so no leader election: it would end them when the API server is away for a while. */
const SINGLE_INSTANCE = ['--leader-elect=false', '--secure-port=0', '--profiling=false'];
/** Client limits of the components, far above their defaults: tests should wait for the product, not for these. */
const CLIENT_LIMITS = ['--kube-api-qps=500', '--kube-api-burst=1000'];

export function controllerManagerSpec(binaries: Binaries, layout: Layout, kubeconfig: string): ComponentSpec {
  return spec(binaries, layout, 'kube-controller-manager', 3_000, [
    `--kubeconfig=${kubeconfig}`,
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${pkiFile(layout, 'service-account.key')}`,
    `--root-ca-file=${layout.caFile}`,
    `--cluster-signing-cert-file=${layout.caFile}`,
    `--cluster-signing-key-file=${pkiFile(layout, 'ca.key')}`,
    '--node-monitor-grace-period=5m', // a busy machine may delay kwok's heartbeats
    ...SINGLE_INSTANCE,
    ...CLIENT_LIMITS,
  ]);
}

export function schedulerSpec(binaries: Binaries, layout: Layout, kubeconfig: string): ComponentSpec {
  return spec(binaries, layout, 'kube-scheduler', 3_000, [
    `--kubeconfig=${kubeconfig}`,
    ...SINGLE_INSTANCE,
    ...CLIENT_LIMITS,
  ]);
}

export function kwokSpec(binaries: Binaries, layout: Layout, kubeconfig: string): ComponentSpec {
  return spec(binaries, layout, 'kwok', 3_000, [
    `--kubeconfig=${kubeconfig}`,
    `--config=${configFile('kwok-stages.yaml')}`,
    '--manage-all-nodes=true',
    `--cidr=${POD_RANGE}`,
    `--node-ip=${NODE_ADDRESS}`,
    '--node-lease-duration-seconds=0', // the heartbeat stage does it, with fewer writes
  ]);
}

function configFile(name: string): string {
  return fileURLToPath(new URL(`config/${name}`, import.meta.url));
}

function spec(
  binaries: Binaries,
  layout: Layout,
  name: BinaryName,
  graceMs: number,
  args: readonly string[],
): ComponentSpec {
  return {
    name,
    command: binaries.path(name),
    args,
    workingDirectory: layout.root,
    logPath: `${layout.logs}/${name}.log`,
    graceMs,
  };
}
