// What tests of the fault proxy share: an operator's client behind a proxy, and one that sees what there really is.
import { CONFIG_MAPS, type OperatorClient, type WatchFrame } from '../../../src/kube/index.ts';
import { accessControlPlane, type ControlPlaneFiles } from '../../control-plane/index.ts';
import { type FaultProxy, startFaultProxy } from '../../faults/proxy/index.ts';
import { configMap, dropNamespace, freshNamespace, MANAGER, operatorClient, soon } from '../kube/cluster.ts';

/** A namespace, a proxy, and a client on each side of it. */
export interface Behind extends AsyncDisposable {
  readonly proxy: FaultProxy;
  readonly namespace: string;
  /** Through the proxy, as a ServiceAccount that may edit in the namespace. */
  readonly client: OperatorClient;
  /** Past the proxy, with all rights. */
  readonly admin: OperatorClient;
  /** Another client through the proxy: an operator's next life. */
  another(): Promise<OperatorClient>;
}

export async function behindProxy(files: ControlPlaneFiles): Promise<Behind> {
  const cluster = accessControlPlane(files);
  const admin = await operatorClient(cluster.kubeconfigPath);
  const namespace = await freshNamespace(admin, 'proxy');
  await cluster.kubectl(['create', 'serviceaccount', 'operator', '-n', namespace]);
  const subject = `--serviceaccount=${namespace}:operator`;
  await cluster.kubectl(['create', 'rolebinding', 'edit', '--clusterrole=edit', subject, '-n', namespace]);
  const proxy = await startFaultProxy(cluster);
  const kubeconfig = await proxy.kubeconfigFor({ serviceAccount: { namespace, name: 'operator' } });
  const clients: OperatorClient[] = [];
  const another = async (): Promise<OperatorClient> => {
    const client = await operatorClient(kubeconfig);
    clients.push(client);
    return client;
  };
  return {
    proxy,
    namespace,
    client: await another(),
    admin,
    another,
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) await client.close();
      await proxy.close();
      await dropNamespace(admin, namespace);
      await admin.close();
    },
  };
}

/** Applies a ConfigMap of the namespace. */
export async function put(
  { namespace }: Behind,
  who: OperatorClient,
  name: string,
  data: Record<string, string> = {},
  timeoutMs: number = 30_000,
): Promise<string> {
  const object = configMap(namespace, name, data);
  const signal = AbortSignal.timeout(timeoutMs);
  const { object: applied } = await who.apply(CONFIG_MAPS, object, { fieldManager: MANAGER }, signal);
  return applied.metadata.resourceVersion ?? '';
}

/** Whether a ConfigMap is there, past the proxy. */
export async function exists({ admin, namespace }: Behind, name: string): Promise<boolean> {
  const all = await admin.listAll(CONFIG_MAPS, { namespace }, soon());
  return all.some(({ metadata }) => metadata.name === name);
}

/** What a promise is rejected with; undefined where it is not. */
export async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** A watch of the namespace's ConfigMaps that notes what it hears. */
export interface Heard {
  /** `ADDED web`, `list ends`, `ERROR 410`, and at last `end` or `broken: <code>`. */
  readonly lines: readonly string[];
  stop(): void;
}

/** Opens a watch. Bookmarks other than the one that ends the list are not noted; neither is what each namespace has. */
export async function hear(
  { namespace }: Behind,
  client: OperatorClient,
  from: { readonly resourceVersion?: string; readonly isMetadataOnly?: boolean } = {},
): Promise<Heard> {
  const stopping = new AbortController();
  const { resourceVersion } = from;
  const options = {
    ...from,
    namespace,
    timeoutSeconds: 60,
    sendsInitialEvents: resourceVersion === undefined,
  };
  const frames = await client.watch(CONFIG_MAPS, options, stopping.signal);
  const lines: string[] = [];
  const listen = async (): Promise<void> => {
    try {
      for await (const frame of frames) {
        const line = lineOf(frame);
        if (line !== undefined) lines.push(line);
      }
      lines.push('end');
    } catch (error) {
      lines.push(`broken: ${codeOf(error)}`);
    }
  };
  void listen();
  return { lines, stop: () => stopping.abort() };
}

function lineOf(frame: WatchFrame): string | undefined {
  switch (frame.type) {
    case 'ERROR':
      return `ERROR ${codeOf(frame.error)}`;
    case 'BOOKMARK':
      return frame.isInitialEventsEnd ? 'list ends' : undefined;
    default: {
      const { name } = frame.object.metadata;
      return name === 'kube-root-ca.crt' ? undefined : `${frame.type} ${name}`;
    }
  }
}

/** Status of an answer, or kind of a failure on the way. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'none';
  if ('statusCode' in error) return String(error.statusCode);
  return 'kind' in error ? String(error.kind) : String(error);
}
