// An API server in memory, as far as the Transform controller uses it, that can end the process at a chosen write: before
// the write counts, or after it counts and before anybody hears of it.
import type { KubeObject } from '../../api/index.ts';
import { canonicalJson, type JsonValue, removePointer, setPointer } from '../../json/index.ts';
import { ApiError, type JsonPatchOperation, type Resource } from '../../kube/index.ts';
import type { RevisionWriter } from '../../revisions/index.ts';
import type { TransformWriter } from './dependencies.ts';

/** Ends a pass as the end of its process would. */
export class Crash extends Error {}

export interface CrashPoint {
  /** Number of the write, from 1. */
  readonly write: number;
  readonly isAfter: boolean;
}

export class MemoryApi {
  readonly #objects = new Map<string, KubeObject>();
  #version = 0;
  #writes = 0;
  crash: CrashPoint | undefined;

  /** Writes so far, also those that ended in a crash. */
  get writes(): number {
    return this.#writes;
  }

  find(kind: string, name: string): KubeObject | undefined {
    return this.#objects.get(`${kind}/${name}`);
  }

  all(kind: string): readonly KubeObject[] {
    return [...this.#objects.values()].filter((object) => object.kind === kind);
  }

  /** What others do: never crashes, and counts as no write. */
  put(object: KubeObject): KubeObject {
    const key = `${object.kind}/${object.metadata.name}`;
    const before = this.#objects.get(key);
    this.#version += 1;
    const isNews = before === undefined || canonicalJson(before['spec']) !== canonicalJson(object['spec']);
    const stored = {
      ...object,
      metadata: {
        ...object.metadata,
        uid: before?.metadata.uid ?? object.metadata.uid ?? `uid-of-${key}`,
        generation: (before?.metadata.generation ?? 0) + (isNews ? 1 : 0),
        resourceVersion: String(this.#version),
      },
    };
    this.#objects.set(key, stored);
    return stored;
  }

  /** The client of the operator. */
  client(): RevisionWriter & TransformWriter {
    return {
      get: async (resource, { name }) => this.#existing(resource, name),
      listAll: async (resource, { labelSelector = '' }) =>
        this.all(resource.kind).filter(
          ({ metadata }) =>
            !labelSelector.includes('!') || metadata.labels?.['pequod.io/candidate'] === undefined,
        ),
      create: async (_resource, object) => {
        if (this.find(object.kind, object.metadata.name) !== undefined)
          throw refusal(409, 'API_ALREADY_EXISTS');
        return this.#write(() => this.put(object));
      },
      jsonPatch: async (resource, { name }, operations) => {
        const existing = this.#existing(resource, name);
        const patched = operations.reduce(patch, existing);
        return this.#write(() => this.put(patched));
      },
      delete: async (resource, { name }) => {
        this.#write(() => this.#objects.delete(`${resource.kind}/${name}`));
        return { state: 'gone' };
      },
    };
  }

  #existing(resource: Resource, name: string): KubeObject {
    const found = this.find(resource.kind, name);
    if (found === undefined) throw refusal(404, 'API_NOT_FOUND');
    return found;
  }

  #write<T>(write: () => T): T {
    this.#writes += 1;
    const isNow = this.crash?.write === this.#writes;
    if (isNow && this.crash?.isAfter === false) throw new Crash();
    const result = write();
    if (isNow) throw new Crash();
    return result;
  }
}

function patch(object: KubeObject, operation: JsonPatchOperation): KubeObject {
  if (operation.op === 'remove') return removePointer(object, operation.path);
  if (!('value' in operation)) throw new Error(`${operation.op} is not part of this`);
  const { path, value }: { readonly path: string; readonly value: JsonValue } = operation;
  if (path === '/metadata/resourceVersion' && value !== object.metadata.resourceVersion)
    throw refusal(409, 'API_CONFLICT');
  return setPointer(object, path, value);
}

function refusal(statusCode: number, code: string): ApiError {
  return new ApiError(code, {
    code,
    reason: 'Test',
    retry: 'backoff',
    statusCode,
    statusReason: '',
    statusMessage: '',
    details: { name: '', group: '', kind: '', causes: [] },
    retryAfterMs: undefined,
    isJsonStatus: true,
    route: { verb: 'get', resource: 'test' },
  });
}
