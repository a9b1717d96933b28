// The one place that pins what the control plane is made of, and the other programs that tests run. The Go sources in go/
// pin the same versions: change both together.

/** Pinned versions of the programs; `kubernetes` covers kube-apiserver, controller-manager, scheduler and kubectl. */
export const VERSIONS = {
  kubernetes: '1.36.3',
  etcd: '3.6.16',
  kwok: '0.8.0',
  helm: '4.3.1',
  registry: '3.1.2',
  cue: '0.17.1',
  orasLibrary: '2.6.4',
} as const;

/** The programs of a control plane, by their file names. */
export const BINARY_NAMES = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'kwok',
] as const;

export type BinaryName = (typeof BINARY_NAMES)[number];

/** Programs of one set each, beside those of a control plane. */
export type ToolName = 'helm' | 'registry' | 'cue' | 'oras-tool';

/** All programs that can be made. */
export type ProgramName = BinaryName | ToolName;

/** Go's names for this machine's system and processor, which the release downloads use too. */
export interface Platform {
  readonly os: string;
  readonly arch: string;
}

/** This machine, in Go's words. */
export function hostPlatform(): Platform {
  return { os: process.platform, arch: process.arch === 'x64' ? 'amd64' : process.arch };
}

/** Folder name of a set of programs: versions, system and processor, so that sets never mix. */
export function cacheKey(platform: Platform): string {
  const { kubernetes, etcd, kwok } = VERSIONS;
  return `kubernetes-${kubernetes}-etcd-${etcd}-kwok-${kwok}-${platform.os}-${platform.arch}`;
}
