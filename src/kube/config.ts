// How to reach one cluster and as whom. Nothing here is global: two configurations never share a credential.
import { TerminalError } from '../errors.ts';

/** Asks for the bearer token that is valid now; `isRefused` after the server has refused the last one. */
export type TokenSupplier = (isRefused: boolean, signal: AbortSignal) => Promise<string>;

/** Who we are towards the API server. Client certificates are part of {@link TlsMaterial}. */
export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: TokenSupplier }
  | { readonly kind: 'certificate' };

/** PEM texts. When any of them changes, new connections are made. */
export interface TlsMaterial {
  readonly caData?: string | undefined;
  readonly certData?: string | undefined;
  readonly keyData?: string | undefined;
}

export interface ClusterConfig {
  /** URL of the API server; a path is put before every request's path. */
  readonly server: string;
  readonly tlsServerName?: string | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  readonly credentials: Credentials;
  /** The operator's own namespace, or the kubeconfig context's. */
  readonly namespace: string;
  /** Certificate authority and client certificate; read again as they are rotated. */
  readonly readTls: (signal: AbortSignal) => Promise<TlsMaterial>;
}

/** How long tokens and TLS files are used before they are read again. */
export const CREDENTIAL_MAX_AGE_MS: number = 60_000;

/** A configuration without files, for tests and for callers that have everything at hand. */
export function fixedClusterConfig(options: {
  readonly server: string;
  readonly tls?: TlsMaterial;
  readonly token?: string;
  readonly namespace?: string;
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify?: boolean;
}): ClusterConfig {
  const { token, tls = {} } = options;
  return {
    server: options.server,
    tlsServerName: options.tlsServerName,
    insecureSkipTlsVerify: options.insecureSkipTlsVerify,
    namespace: options.namespace ?? 'default',
    credentials: credentialsOf(token, tls),
    readTls: async () => tls,
  };
}

function credentialsOf(token: string | undefined, tls: TlsMaterial): Credentials {
  if (token !== undefined) return { kind: 'token', token: async () => token };
  return tls.certData === undefined ? { kind: 'none' } : { kind: 'certificate' };
}

/** No usable configuration: the process can't reach any cluster. */
export function configError(message: string, cause?: unknown): TerminalError {
  return new TerminalError(message, { code: 'CLUSTER_CONFIG', reason: 'ClusterConfig', cause });
}
