// A namespace for one story, and what people do in it: as admin, through the API or with kubectl.
import { decodeTransform, describeProblems } from '../../src/api/crd/index.ts';
import {
  API_VERSION,
  apiVersionOf,
  type Condition,
  type KubeObject,
  type ResourceGraphStatus,
  type Transform,
} from '../../src/api/index.ts';
import { isJsonObject, type JsonObject } from '../../src/json/index.ts';
import { isNotFound, type OperatorClient } from '../../src/kube/index.ts';
import type { Kubectl } from '../../test/control-plane/index.ts';
import { KINDS, type Kind } from './kinds.ts';
import { until } from './until.ts';

const CALL_TIMEOUT_MS = 30_000;
/** Field manager of what a story does by itself. */
const USER = 'user';

/** An object to be made, without the parts that the namespace and the kind give. */
export interface NewObject extends JsonObject {
  readonly metadata?: JsonObject;
}

export class Space {
  readonly namespace: string;
  readonly #client: OperatorClient;
  readonly #kubectl: Kubectl;

  constructor(namespace: string, client: OperatorClient, kubectl: Kubectl) {
    this.namespace = namespace;
    this.#client = client;
    this.#kubectl = kubectl;
  }

  /** kubectl as admin, in this namespace. */
  async kubectl(args: readonly string[], stdin?: string): Promise<string> {
    return await this.#kubectl(['-n', this.namespace, ...args], stdin);
  }

  /** The object as it is now; undefined where there is none. */
  async find(kind: Kind, name: string): Promise<KubeObject | undefined> {
    try {
      return await this.get(kind, name);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async get(kind: Kind, name: string): Promise<KubeObject> {
    return await this.#client.get(KINDS[kind], { namespace: this.namespace, name }, limit());
  }

  async list(kind: Kind, labelSelector?: string): Promise<readonly KubeObject[]> {
    return await this.#client.listAll(KINDS[kind], { namespace: this.namespace, labelSelector }, limit());
  }

  /** Names of all objects of a kind, sorted; without those that every namespace has. */
  async names(kind: Kind): Promise<readonly string[]> {
    const names = (await this.list(kind)).map(({ metadata }) => metadata.name);
    return names.filter((name) => name !== 'kube-root-ca.crt').sort();
  }

  async create(
    kind: Kind,
    name: string,
    object: NewObject,
    fieldManager: string = USER,
  ): Promise<KubeObject> {
    return await this.#client.create(KINDS[kind], this.#whole(kind, name, object), { fieldManager }, limit());
  }

  /** Server-side apply, without force. */
  async apply(kind: Kind, name: string, object: NewObject, fieldManager: string = USER): Promise<KubeObject> {
    const whole = this.#whole(kind, name, object);
    return (await this.#client.apply(KINDS[kind], whole, { fieldManager }, limit())).object;
  }

  /** Merge patch, as an Update of `fieldManager`. */
  async patch(
    kind: Kind,
    name: string,
    patch: JsonObject,
    options: { readonly fieldManager?: string; readonly subresource?: string } = {},
  ): Promise<KubeObject> {
    const key = { namespace: this.namespace, name };
    return await this.#client.mergePatch(
      KINDS[kind],
      key,
      patch,
      { fieldManager: USER, ...options },
      limit(),
    );
  }

  /** Deletes in the background, without waiting. */
  async delete(kind: Kind, name: string): Promise<void> {
    const key = { namespace: this.namespace, name };
    await this.#client.delete(KINDS[kind], key, { propagationPolicy: 'Background' }, limit());
  }

  /** Waits until the object is there, or as `isRight` wants it. */
  async untilFound(
    kind: Kind,
    name: string,
    isRight: (object: KubeObject) => boolean = () => true,
  ): Promise<KubeObject> {
    const found = await until(
      `${kind} ${name} in ${this.namespace}`,
      () => this.find(kind, name),
      (object) => object !== undefined && isRight(object),
    );
    if (found === undefined) throw new Error(`${kind} ${name} is not there`);
    return found;
  }

  async untilGone(kind: Kind, name: string): Promise<void> {
    await until(
      `${kind} ${name} in ${this.namespace} is gone`,
      () => this.find(kind, name),
      (object) => object === undefined,
    );
  }

  /** Creates or replaces what is wanted of a Transform, as `kubectl apply --server-side` does. */
  async transform(name: string, spec: JsonObject): Promise<void> {
    await this.apply('Transform', name, { spec: { serviceAccountName: 'deployer', ...spec } });
  }

  /** The Transform as it is now. @throws Error where it can't be read. */
  async readTransform(name: string): Promise<Transform> {
    const decoded = decodeTransform(await this.get('Transform', name));
    if (!decoded.ok) throw new Error(describeProblems(decoded.problems));
    return decoded.value;
  }

  /** Waits for a Transform whose status speaks of its newest spec and is as `isRight` wants it. */
  async untilTransform(
    name: string,
    what: string,
    isRight: (transform: Transform) => boolean,
    deadlineMs?: number,
  ): Promise<Transform> {
    return await until(
      `Transform ${this.namespace}/${name} ${what}`,
      () => this.readTransform(name),
      (transform) => isCurrent(transform) && isRight(transform),
      deadlineMs,
    );
  }

  async untilReady(name: string, deadlineMs?: number): Promise<Transform> {
    return await this.untilTransform(
      name,
      'is ready',
      (transform) => conditionOf(transform, 'Ready')?.status === 'True',
      deadlineMs,
    );
  }

  /** Waits until the Transform is not ready for this reason. */
  async untilFailing(name: string, reason: string, deadlineMs?: number): Promise<Transform> {
    const isFailing = (transform: Transform): boolean => {
      const ready = conditionOf(transform, 'Ready');
      return ready?.status === 'False' && ready.reason === reason;
    };
    return await this.untilTransform(name, `fails with ${reason}`, isFailing, deadlineMs);
  }

  /** Status of a Transform's graph, empty while there is none. */
  async findGraphStatus(name: string): Promise<ResourceGraphStatus> {
    const status = (await this.find('ResourceGraph', name))?.['status'];
    return isJsonObject(status) ? status : {};
  }

  /** Status of a Transform's graph. */
  async graphStatus(name: string): Promise<ResourceGraphStatus> {
    const { status } = await this.get('ResourceGraph', name);
    return isJsonObject(status) ? status : {};
  }

  #whole(kind: Kind, name: string, object: NewObject): KubeObject {
    const metadata = { ...object.metadata, namespace: this.namespace, name };
    const apiVersion = kind === 'Transform' ? API_VERSION : apiVersionOf(KINDS[kind]);
    return { ...object, apiVersion, kind, metadata };
  }
}

export function conditionOf(transform: Pick<Transform, 'status'>, type: string): Condition | undefined {
  return transform.status?.conditions?.find((condition) => condition.type === type);
}

function isCurrent({ metadata, status }: Transform): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return (
    status?.observedGeneration === metadata.generation && ready?.observedGeneration === metadata.generation
  );
}

function limit(): AbortSignal {
  return AbortSignal.timeout(CALL_TIMEOUT_MS);
}
