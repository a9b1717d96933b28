// The operator's own kubeconfig outside a cluster. Its exec and auth-provider plugins run with the user's rights, which
// is right for the user's own file and for no other: a kubeconfig from a tenant must never get here.
import { access, readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Context, KubeConfig } from '@kubernetes/client-node';
import { messageOf } from '../errors.ts';
import { type ClusterConfig, type Credentials, configError, type TlsMaterial } from './config.ts';

export interface KubeconfigOptions {
  /** Path of the file; without it the files of `KUBECONFIG`, else `.kube/config` in the home directory. */
  readonly path?: string;
  readonly context?: string;
  /** The environment in which `KUBECONFIG` is looked for; without it only the home directory is. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads a kubeconfig with the official library, which is loaded only for this.
 * @throws TerminalError (`CLUSTER_CONFIG`) where file, context, cluster or user can't be used.
 */
export async function kubeconfigConfig(options: KubeconfigOptions = {}): Promise<ClusterConfig> {
  const files = await filesToLoad(options);
  const load = async (): Promise<KubeConfig> => {
    const { KubeConfig: Loader } = await import('@kubernetes/client-node');
    // Not the library's own search, whose last resort is a made-up cluster at localhost.
    const [config = new Loader(), ...others] = files.map((file) => {
      const loaded = new Loader();
      loaded.loadFromFile(file);
      return loaded;
    });
    for (const other of others) config.mergeConfig(other, (config.getCurrentContext() ?? '') !== '');
    if (options.context !== undefined) config.setCurrentContext(options.context);
    return config;
  };
  try {
    return await describe(await load(), load);
  } catch (error) {
    throw configError(`kubeconfig can't be used: ${messageOf(error)}`, error);
  }
}

/** The files to load, the first before the others: as kubectl finds them, but a file that is missing is an error. */
async function filesToLoad({ path, env = {} }: KubeconfigOptions): Promise<readonly string[]> {
  if (path !== undefined) return [path];
  const named = (env['KUBECONFIG'] ?? '').split(delimiter).filter(Boolean);
  if (named.length > 0) return named;
  const file = join(homedir(), '.kube', 'config');
  try {
    await access(file);
  } catch (error) {
    throw configError(
      `no kubeconfig found: KUBECONFIG is not set, and ${file} can't be read; --kubeconfig names another file`,
      error,
    );
  }
  return [file];
}

function currentContext(config: KubeConfig): Context {
  const name = config.getCurrentContext() ?? '';
  const context = config.getContextObject(name);
  if (context !== null) return context;
  const names = config.getContexts().map((known) => known.name);
  const known = `(there are: ${names.length === 0 ? 'none' : names.join(', ')})`;
  throw new Error(name === '' ? `no context is chosen ${known}` : `there is no context ${name} ${known}`);
}

async function describe(first: KubeConfig, load: () => Promise<KubeConfig>): Promise<ClusterConfig> {
  const context = currentContext(first);
  const cluster = first.getCurrentCluster();
  const user = first.getCurrentUser();
  if (cluster === null) throw new Error(`context ${context.name}: there is no cluster ${context.cluster}`);
  if (user === null) throw new Error(`context ${context.name}: there is no user ${context.user}`);
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
    namespace: context.namespace ?? 'default',
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
