// What a pass reads from the cluster for the sake of a module or an input, as the Transform's ServiceAccount. Each object
// is read once a pass, however many ask for it, so that all of them see the same; nothing is kept after the pass.
import type { KubeObject, Transform } from '../../api/index.ts';
import { CONFIG_MAPS, isForbidden, isNotFound, type Resource, SECRETS } from '../../kube/index.ts';
import type { ConfigMapReader, SecretReader } from '../../source/index.ts';
import type { TransformDependencies } from './dependencies.ts';

/** Reads for one Transform, in one pass. */
export class TenantReads implements ConfigMapReader, SecretReader {
  readonly #tenancy: TransformDependencies['tenancy'];
  readonly #serviceAccount: string;
  readonly #objects = new Map<string, Promise<KubeObject | undefined>>();

  constructor({ tenancy }: Pick<TransformDependencies, 'tenancy'>, transform: Transform) {
    this.#tenancy = tenancy;
    this.#serviceAccount = tenancy.serviceAccountOf(transform.spec);
  }

  readConfigMap(namespace: string, name: string, signal: AbortSignal): Promise<KubeObject | undefined> {
    return this.#once(CONFIG_MAPS, namespace, name, signal);
  }

  readSecret(namespace: string, name: string, signal: AbortSignal): Promise<KubeObject | undefined> {
    return this.#once(SECRETS, namespace, name, signal);
  }

  #once(
    resource: Resource,
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<KubeObject | undefined> {
    const key = `${resource.plural}/${namespace}/${name}`;
    const known = this.#objects.get(key);
    if (known !== undefined) return known;
    const read = this.#read(resource, namespace, name, signal);
    this.#objects.set(key, read);
    return read;
  }

  async #read(
    resource: Resource,
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<KubeObject | undefined> {
    const client = await this.#tenancy.clientFor(namespace, this.#serviceAccount, signal);
    try {
      return await client.get(resource, { namespace, name }, signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      if (isForbidden(error)) this.#tenancy.forget(namespace, this.#serviceAccount);
      throw error;
    }
  }
}
