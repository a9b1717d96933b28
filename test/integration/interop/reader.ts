import { EgressGuard } from '../../../src/egress/index.ts';
import { type OciReference, type RegistryAccess, RegistryClient } from '../../../src/registry/index.ts';
import { type DependencyAccess, readArtifact } from '../../../src/source/index.ts';
import type { Site } from './workshop.ts';

/** Our client of registries, as one user of the site's. */
export interface Client extends AsyncDisposable {
  readonly client: RegistryClient;
  readonly access: RegistryAccess;
  /** Gets modules. */
  readonly modules: DependencyAccess;
}

export function openClient({ registry, tokens, user }: Site): Client {
  const client = new RegistryClient({
    guard: new EgressGuard({ allow: ['127.0.0.1'] }),
    trustedRealms: [{ registry: registry.host, realm: tokens.host }],
  });
  const { username, password } = user;
  const access: RegistryAccess = {
    credentials: { username, password },
    ...(registry.caPem === undefined ? {} : { tls: { ca: registry.caPem } }),
  };
  return {
    client,
    access,
    modules: {
      scope: username,
      fetch: async (reference: OciReference, signal) => {
        const manifest = await client.resolve(reference, access, signal);
        const tree = await readArtifact(manifest.value, (layer) =>
          client.blob(reference, layer, access, signal),
        );
        return { digest: manifest.digest, tree };
      },
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
