// Which programs are made together. A set has a Go module, a build and a folder in the cache of its own: what is not
// asked for is not built.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  BINARY_NAMES,
  type BinaryName,
  cacheKey,
  hostPlatform,
  type ProgramName,
  VERSIONS,
} from './versions.ts';

/** Programs that are built by one call, and cached in one folder. */
export interface ProgramSet<Name extends ProgramName> {
  readonly names: readonly Name[];
  /** For people: what is made. */
  readonly versions: string;
  /** For people: how long a build takes with nothing cached. */
  readonly buildTime: string;
  /** Folder of the Go module that pins them. */
  readonly sources: string;
  /** Folder name in the cache. */
  readonly key: string;
  /** There are no official ones for {@link BinarySource} `download`: what makes them is Go. */
  readonly needsGo: boolean;
}

const { kubernetes, etcd, kwok, helm, registry, cue, orasLibrary } = VERSIONS;
const { os, arch } = hostPlatform();

/** What a control plane is made of. */
export const CONTROL_PLANE: ProgramSet<BinaryName> = {
  names: BINARY_NAMES,
  versions: `Kubernetes ${kubernetes}, etcd ${etcd}, kwok ${kwok}`,
  buildTime: 'about 4 minutes on 2 cores',
  sources: fileURLToPath(new URL('go/', import.meta.url)),
  key: cacheKey(hostPlatform()),
  needsGo: false,
};

/** Helm, for the stories of a move away from it. A module of its own: it wants other versions of Kubernetes' libraries. */
export const HELM: ProgramSet<'helm'> = {
  names: ['helm'],
  versions: `Helm ${helm}`,
  buildTime: 'about 2 minutes on 2 cores',
  sources: fileURLToPath(new URL('go/helm/', import.meta.url)),
  key: `helm-${helm}-${os}-${arch}`,
  needsGo: false,
};

/** The OCI registry of the CNCF, without its drivers for cloud storage. */
export const REGISTRY: ProgramSet<'registry'> = {
  names: ['registry'],
  versions: `Distribution ${registry}`,
  buildTime: 'under a minute',
  sources: fileURLToPath(new URL('go/registry/', import.meta.url)),
  key: `registry-${registry}-${hashOfMain('registry')}-${os}-${arch}`,
  needsGo: true,
};

/** The cue command: the tool that modules are published with elsewhere. */
export const CUE: ProgramSet<'cue'> = {
  names: ['cue'],
  versions: `CUE ${cue}`,
  buildTime: 'under a minute',
  sources: fileURLToPath(new URL('go/cue/', import.meta.url)),
  key: `cue-${cue}-${os}-${arch}`,
  needsGo: true,
};

/** A client of OCI artifacts over the library of the ORAS project. */
export const ORAS_TOOL: ProgramSet<'oras-tool'> = {
  names: ['oras-tool'],
  versions: `oras-go ${orasLibrary}`,
  buildTime: 'some seconds',
  sources: fileURLToPath(new URL('go/oras-tool/', import.meta.url)),
  key: `oras-tool-${orasLibrary}-${hashOfMain('oras-tool')}-${os}-${arch}`,
  needsGo: true,
};

/** Code of our own has no version: a change of it is another program. */
function hashOfMain(name: string): string {
  const text = readFileSync(new URL(`go/${name}/main.go`, import.meta.url));
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
