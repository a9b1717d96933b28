import type { TlsMaterial } from '../egress/index.ts';

/** Who asks a git server. */
export type GitCredentials =
  | { readonly type: 'basic'; readonly username: string; readonly password: string }
  | { readonly type: 'bearer'; readonly token: string }
  | {
      readonly type: 'ssh';
      /** OpenSSH or PEM. */
      readonly privateKey: string;
      readonly passphrase?: string;
      /** Lines as in `known_hosts`; a host that is not among them is refused. */
      readonly knownHosts: string;
    };

/** How one tenant reaches one git server. */
export interface GitAccess {
  readonly credentials?: GitCredentials;
  readonly tls?: TlsMaterial;
}
