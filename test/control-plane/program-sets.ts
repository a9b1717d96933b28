// Which programs are made together. A set has a Go module, a build and a folder in the cache of its own: what is not
// asked for is not built.
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
}

const { kubernetes, etcd, kwok, helm } = VERSIONS;
const { os, arch } = hostPlatform();

/** What a control plane is made of. */
export const CONTROL_PLANE: ProgramSet<BinaryName> = {
  names: BINARY_NAMES,
  versions: `Kubernetes ${kubernetes}, etcd ${etcd}, kwok ${kwok}`,
  buildTime: 'about 4 minutes on 2 cores',
  sources: fileURLToPath(new URL('go/', import.meta.url)),
  key: cacheKey(hostPlatform()),
};

/** Helm, for the stories of a move away from it. A module of its own: it wants other versions of Kubernetes' libraries. */
export const HELM: ProgramSet<'helm'> = {
  names: ['helm'],
  versions: `Helm ${helm}`,
  buildTime: 'about 2 minutes on 2 cores',
  sources: fileURLToPath(new URL('go/helm/', import.meta.url)),
  key: `helm-${helm}-${os}-${arch}`,
};
