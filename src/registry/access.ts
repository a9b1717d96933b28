import type { TlsMaterial } from '../egress/index.ts';

/** What a registry, or the token server that it names, is told of who asks. */
export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

/** How one tenant reaches one registry. */
export interface RegistryAccess {
  /** Anonymous where absent. Never sent to another host than the registry's, nor to a realm elsewhere. */
  readonly credentials?: RegistryCredentials;
  readonly tls?: TlsMaterial;
}

/** Hosts, with their ports where they have one: the registry sends its clients to the realm for tokens. */
export interface TrustedRealm {
  readonly registry: string;
  readonly realm: string;
}
