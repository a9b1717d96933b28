// One namespace of a campaign, and what users and others do in it.
import { setTimeout as delay } from 'node:timers/promises';
import { API_VERSION, type KubeObject, TRANSFORM_KIND } from '../../src/api/index.ts';
import { InvalidObjectError } from '../../src/errors.ts';
import { canonicalJson, type JsonObject, type JsonValue } from '../../src/json/index.ts';
import {
  ApiError,
  isConflict,
  isNotFound,
  isPreconditionFailed,
  type OperatorClient,
  type Resource,
  TRANSFORMS,
} from '../../src/kube/index.ts';
import { membersAt } from './json-path.ts';
import { resourceOf } from './kinds.ts';

/** Name of the Transform in every namespace. */
export const TRANSFORM = 'shop';
const USER = { fieldManager: 'campaign-user' } as const;
/** Somebody who edits what is not theirs. */
const INTRUDER = { fieldManager: 'campaign-intruder' } as const;
const POLL_MS = 60;

export class World {
  readonly namespace: string;
  readonly admin: OperatorClient;
  readonly signal: AbortSignal;

  constructor(namespace: string, admin: OperatorClient, signal: AbortSignal) {
    this.namespace = namespace;
    this.admin = admin;
    this.signal = signal;
  }

  async find(kind: string, name: string): Promise<KubeObject | undefined> {
    try {
      return await this.admin.get(resourceOf(kind), { namespace: this.namespace, name }, this.signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async list(resource: Resource, labelSelector?: string): Promise<readonly KubeObject[]> {
    return await this.admin.listAll(resource, { namespace: this.namespace, labelSelector }, this.signal);
  }

  async create(object: JsonObject, fieldManager: string = USER.fieldManager): Promise<KubeObject> {
    const { apiVersion, kind } = object;
    if (typeof apiVersion !== 'string' || typeof kind !== 'string') throw new Error('no object to create');
    const metadata = membersAt(object, ['metadata']);
    const name = String(metadata['name']);
    const whole = { ...object, apiVersion, kind, metadata: { ...metadata, namespace: this.namespace, name } };
    return await this.admin.create(resourceOf(kind), whole, { fieldManager }, this.signal);
  }

  /** Creates the object, or gives it these members and no others, where it is another. */
  async put(object: JsonObject): Promise<void> {
    const kind = String(object['kind']);
    const name = String(membersAt(object, ['metadata'])['name']);
    const live = await this.find(kind, name);
    if (live === undefined) await this.create(object);
    else if (live.metadata.deletionTimestamp !== undefined)
      throw new Error(`${kind} ${name} is being deleted`);
    else {
      const members = Object.entries(object).filter(
        ([key]) => !['apiVersion', 'kind', 'metadata'].includes(key),
      );
      for (const [key, value] of members) {
        if (value === undefined || canonicalJson(value) === canonicalJson(live[key] ?? null)) continue;
        await this.replace(kind, name, `/${key}`, value);
      }
    }
  }

  /** A merge patch by somebody else. */
  async edit(kind: string, name: string, patch: JsonObject, subresource?: string): Promise<void> {
    const key = { namespace: this.namespace, name };
    const options = subresource === undefined ? INTRUDER : { ...INTRUDER, subresource };
    await this.admin.mergePatch(resourceOf(kind), key, patch, options, this.signal);
  }

  async replace(kind: string, name: string, path: string, value: JsonValue): Promise<void> {
    const key = { namespace: this.namespace, name };
    await this.admin.jsonPatch(resourceOf(kind), key, [{ op: 'add', path, value }], USER, this.signal);
  }

  async delete(
    kind: string,
    name: string,
    propagationPolicy: 'Background' | 'Foreground' | 'Orphan' = 'Background',
  ): Promise<void> {
    const key = { namespace: this.namespace, name };
    await this.admin.delete(resourceOf(kind), key, { propagationPolicy }, this.signal);
  }

  /** What a user does with a new spec. @returns what the API server says against it. */
  async trySpec(spec: JsonObject): Promise<string | undefined> {
    try {
      await this.replace(TRANSFORM_KIND, TRANSFORM, '/spec', spec);
      return undefined;
    } catch (error) {
      if (error instanceof InvalidObjectError) return error.message;
      const refused = [400, 413, 422].includes(error instanceof ApiError ? error.statusCode : 0);
      if (refused || isPreconditionFailed(error)) return String(error);
      throw error;
    }
  }

  /** Puts this spec in force, whatever became of the Transform: one that is going is waited for, and made again. */
  async ensureSpec(spec: JsonObject): Promise<void> {
    for (;;) {
      const live = await this.find(TRANSFORM_KIND, TRANSFORM);
      if (live?.metadata.deletionTimestamp === undefined && (await this.#writeSpec(live, spec))) return;
      await this.pause();
    }
  }

  /** Looks again until there is something. @returns undefined where time is over */
  async until<T>(limitMs: number, look: () => Promise<T | undefined>): Promise<T | undefined> {
    const endsAtMs = performance.now() + limitMs;
    for (;;) {
      const seen = await look();
      if (seen !== undefined || performance.now() >= endsAtMs) return seen;
      await this.pause();
    }
  }

  async pause(ms: number = POLL_MS): Promise<void> {
    await delay(ms, undefined, { signal: this.signal });
  }

  async #writeSpec(live: KubeObject | undefined, spec: JsonObject): Promise<boolean> {
    try {
      if (live === undefined)
        await this.create({
          apiVersion: API_VERSION,
          kind: TRANSFORM_KIND,
          metadata: { name: TRANSFORM },
          spec,
        });
      else {
        const key = { namespace: this.namespace, name: TRANSFORM };
        const uid = live.metadata.uid ?? '';
        const guard = { op: 'test', path: '/metadata/uid', value: uid } as const;
        const write = { op: 'add', path: '/spec', value: spec } as const;
        const written = await this.admin.jsonPatch(TRANSFORMS, key, [guard, write], USER, this.signal);
        return written.metadata.deletionTimestamp === undefined;
      }
      return true;
    } catch (error) {
      if (isNotFound(error) || isConflict(error) || isPreconditionFailed(error)) return false;
      throw error;
    }
  }
}
