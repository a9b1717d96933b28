// What the operator and the CLI are made of, as one user of the workshop's registry.
import { join } from 'node:path';
import type { CueRef, KubeObject } from '../../../src/api/index.ts';
import { ByteCache } from '../../../src/cache/index.ts';
import { EgressGuard } from '../../../src/egress/index.ts';
import { silentLogger } from '../../../src/observability/index.ts';
import { buildModuleArtifact, pushModule, readModuleFolder } from '../../../src/publishing/index.ts';
import { RegistryClient } from '../../../src/registry/index.ts';
import {
  CueRegistries,
  clusterlessContext,
  loadEmbeddedLibrary,
  ModuleSources,
  NetworkPlaces,
  type ResolvedModule,
} from '../../../src/source/index.ts';
import type { Workshop } from './workshop.ts';

export interface Ours extends AsyncDisposable {
  /** Gets a module as the operator does, with Secrets for credentials and trust. */
  load(repositoryAndTag: string): Promise<ResolvedModule>;
  /** Publishes a folder of the workshop's as the CLI does; the digest. */
  publish(folder: string, repository: string, tag: string): Promise<string>;
}

const NAMESPACE = 'team-a';
const signal = new AbortController().signal;

export async function openOurs({ registry, tokens, user, directory }: Workshop): Promise<Ours> {
  const { username, password } = user;
  const ca = registry.caPem ?? '';
  const guard = new EgressGuard({ allow: ['127.0.0.1'] });
  const trustedRealms = [{ registry: registry.host, realm: tokens.host }];
  const secrets: Readonly<Record<string, KubeObject>> = {
    login: secret('login', { username, password }),
    trust: secret('trust', { 'ca.crt': ca }),
  };
  const context = clusterlessContext(NAMESPACE, {
    secrets: { readSecret: (_namespace, name) => Promise.resolve(secrets[name]) },
  });
  const places = new NetworkPlaces({
    guard,
    cache: await ByteCache.open({ log: silentLogger(), now: Date.now }),
    trustedRealms,
    cueRegistries: new CueRegistries(`${registry.host}+secure`),
    now: Date.now,
  });
  const library = await loadEmbeddedLibrary(join(import.meta.dirname, '../../../cue'));
  const sources = new ModuleSources({ library, places });
  const client = new RegistryClient({ guard, trustedRealms });
  return {
    load: async (repositoryAndTag) => {
      const ref: CueRef = {
        type: 'oci',
        ref: `oci://${registry.host}/${repositoryAndTag}`,
        pullSecretRef: { name: 'login' },
        certSecretRef: { name: 'trust' },
      };
      return await sources.load(ref, context, signal);
    },
    publish: async (folder, repository, tag) => {
      const { files } = await readModuleFolder(join(directory, folder), signal);
      const artifact = await buildModuleArtifact(files);
      const reference = { host: registry.host, repository, tag };
      const access = { credentials: { username, password }, tls: { ca } };
      await pushModule(client, reference, artifact, { isMoving: false }, access, signal);
      return artifact.digest;
    },
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await places.close();
    },
  };
}

function secret(name: string, texts: Readonly<Record<string, string>>): KubeObject {
  const data = Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  );
  return { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: NAMESPACE, name }, data };
}
