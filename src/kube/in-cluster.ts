import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { type ClusterConfig, configError } from './config.ts';

const MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface InClusterOptions {
  /** The process's environment: `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder of the projected ServiceAccount volume. */
  readonly mount?: string;
}

/** True where the environment is that of a pod. */
export function isInCluster(env: Readonly<Record<string, string | undefined>>): boolean {
  return (env['KUBERNETES_SERVICE_HOST'] ?? '') !== '' && (env['KUBERNETES_SERVICE_PORT'] ?? '') !== '';
}

/**
 * The pod's own ServiceAccount. Token and CA are read again as the kubelet rotates them.
 * @throws TerminalError (`CLUSTER_CONFIG`) outside a pod or where the volume is not mounted.
 */
export async function inClusterConfig(options: InClusterOptions): Promise<ClusterConfig> {
  const { env, mount = MOUNT } = options;
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '';
  if (host === '' || port === '') throw configError('not in a cluster: KUBERNETES_SERVICE_HOST is not set');
  const read = async (file: string, signal?: AbortSignal): Promise<string> =>
    (await readFile(join(mount, file), { encoding: 'utf8', signal })).trim();
  try {
    const namespace = await read('namespace');
    await read('token');
    return {
      server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
      namespace,
      credentials: { kind: 'token', token: (_isRefused, signal) => read('token', signal) },
      readTls: async (signal) => ({ caData: await read('ca.crt', signal) }),
    };
  } catch (error) {
    throw configError(`ServiceAccount volume can't be read: ${messageOf(error)}`, error);
  }
}
