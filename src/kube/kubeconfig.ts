// The operator's own kubeconfig outside a cluster. Its exec and auth-provider plugins run with the user's rights, which
// is right for the user's own file and for no other: a kubeconfig from a tenant must never get here.
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { messageOf } from '../errors.ts';
import { type ClusterConfig, type Credentials, configError, type TlsMaterial } from './config.ts';

export interface KubeconfigOptions {
  /** Path of the file; without it the library's own search order is used. */
  readonly path?: string;
  readonly context?: string;
}

/**
 * Reads a kubeconfig with the official library, which is loaded only for this.
 * @throws TerminalError (`CLUSTER_CONFIG`) where file, context, cluster or user can't be used.
 */
export async function kubeconfigConfig(options: KubeconfigOptions = {}): Promise<ClusterConfig> {
  const load = async (): Promise<KubeConfig> => {
    const { KubeConfig: Loader } = await import('@kubernetes/client-node');
    const config = new Loader();
    if (options.path === undefined) config.loadFromDefault();
    else config.loadFromFile(options.path);
    if (options.context !== undefined) config.setCurrentContext(options.context);
    return config;
  };
  try {
    return await describe(await load(), load);
  } catch (error) {
    throw configError(`kubeconfig can't be used: ${messageOf(error)}`, error);
  }
}

async function describe(first: KubeConfig, load: () => Promise<KubeConfig>): Promise<ClusterConfig> {
  const cluster = first.getCurrentCluster();
  const user = first.getCurrentUser();
  if (cluster === null || user === null)
    throw new Error(`context ${first.getCurrentContext()} is incomplete`);
  if ((user.username ?? '') !== '') throw new Error('basic authentication is not supported');
  if ((user.impersonateUser ?? '') !== '') throw new Error('impersonation in a kubeconfig is not supported');
  let current = first;
  const auth = async (): Promise<RequestOptions> => {
    const request: RequestOptions = {};
    await current.applyToHTTPSOptions(request);
    return request;
  };
  // A plugin's credential is cached inside the loaded file: a refused one needs a fresh load.
  const token = async (isRefused: boolean): Promise<string> => {
    if (isRefused) current = await load();
    return bearerOf(await auth());
  };
  const credentials: Credentials =
    user.exec !== undefined || user.authProvider !== undefined || (user.token ?? '') !== ''
      ? { kind: 'token', token }
      : { kind: user.certData || user.certFile ? 'certificate' : 'none' };
  return {
    server: cluster.server,
    tlsServerName: cluster.tlsServerName,
    insecureSkipTlsVerify: cluster.skipTLSVerify,
    namespace: first.getContextObject(first.getCurrentContext())?.namespace ?? 'default',
    credentials,
    readTls: async (signal) => tlsOf(await auth(), cluster.caFile, signal),
  };
}

function bearerOf(request: RequestOptions): string {
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (name.toLowerCase() !== 'authorization') continue;
    const [, token] = /^Bearer (.+)$/.exec(String(value)) ?? [];
    if (token !== undefined) return token;
  }
  throw new Error('no bearer token was given');
}

async function tlsOf(
  request: RequestOptions,
  caFile: string | undefined,
  signal: AbortSignal,
): Promise<TlsMaterial> {
  const caData =
    caFile === undefined ? pem(request.ca) : await readFile(caFile, { encoding: 'utf8', signal });
  return { caData, certData: pem(request.cert), keyData: pem(request.key) };
}

function pem(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return Buffer.isBuffer(value) ? value.toString('utf8') : undefined;
}
