// The verbs of the API. Two clients that the compiler keeps apart: the operator's own, and a tenant's, whose every call
// carries the tenant's identity. A tenant's client comes from `forServiceAccount` and from nowhere else.
import { LRUCache } from 'lru-cache';
import { isKubeObject, type KubeObject } from '../api/index.ts';
import { TerminalError } from '../errors.ts';
import { isJsonObject, type JsonObject, type JsonValue, stringifyJson } from '../json/index.ts';
import type { ApiAnswer, ApiRequest } from './api-request.ts';
import { applyBody, checkFieldManager, checkScope } from './apply-patch.ts';
import { ApiError, type CallRoute, isNotFound, TransportError } from './errors.ts';
import type { ServiceAccountIdentity } from './identity.ts';
import type { ApiLoad } from './in-flight-limit.ts';
import { listPages } from './list.ts';
import {
  type ApplyOptions,
  type ApplyResult,
  acceptOf,
  type DeleteOptions,
  type DeleteResult,
  deleteBody,
  type JsonPatchOperation,
  type ListOptions,
  type ListPage,
  PATCH_TYPES,
  routeOf,
  type WatchOptions,
  type WriteOptions,
  watchQuery,
  writeQuery,
} from './requests.ts';
import { collectionPath, keyOf, type ObjectKey, objectPath, type Resource } from './resource.ts';
import { type AccessAttributes, type AccessReview, accessOf, type RulesReview, rulesOf } from './review.ts';
import { Transport, type TransportOptions } from './transport.ts';
import { type WatchFrame, watchFrames } from './watch.ts';

type Call = Omit<ApiRequest, 'identity'>;

/** What both clients can do. Functions that act for someone take one of the two subclasses. */
export abstract class KubeClient {
  readonly #transport: Transport;
  readonly #identity: ServiceAccountIdentity | undefined;

  protected constructor(transport: Transport, identity: ServiceAccountIdentity | undefined) {
    this.#transport = transport;
    this.#identity = identity;
  }

  /** User name whose rights are used; undefined for the operator's own. */
  get username(): string | undefined {
    return this.#identity?.username;
  }

  /** @throws ApiError, `isNotFound` where there is none. */
  async get(resource: Resource, key: ObjectKey, signal: AbortSignal): Promise<KubeObject> {
    const route = routeOf('get', resource, key);
    return this.#object({ method: 'GET', path: objectPath(resource, key), route }, signal);
  }

  /** All objects, page by page. A continue token that grows too old is an error (`isExpired`). */
  list(resource: Resource, options: ListOptions, signal: AbortSignal): AsyncGenerator<ListPage> {
    return listPages((request) => this.call(request, signal), resource, options);
  }

  /** Everything that a list has, at once. For collections that are small by nature. */
  async listAll(
    resource: Resource,
    options: ListOptions,
    signal: AbortSignal,
  ): Promise<readonly KubeObject[]> {
    const items: KubeObject[] = [];
    for await (const page of this.list(resource, options, signal)) items.push(...page.items);
    return items;
  }

  async create(
    resource: Resource,
    object: KubeObject,
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<KubeObject> {
    const { namespace, name } = object.metadata;
    const route = routeOf('create', resource, { namespace, name });
    const path = collectionPath(resource, namespace);
    const body = stringifyJson(object);
    const query = writeQuery(options);
    return this.#object({ method: 'POST', path, query, body, storesNothing: options.dryRun, route }, signal);
  }

  /** Replaces the whole object. @throws ApiError, `isConflict` where it is no longer the version that `object` names. */
  async update(
    resource: Resource,
    object: KubeObject,
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<KubeObject> {
    const key = keyOf(object);
    const route = routeOf('update', resource, key);
    const path = objectPath(resource, key, options.subresource);
    const request = { path, query: writeQuery(options), body: stringifyJson(object), route };
    return this.#object({ method: 'PUT', ...request, storesNothing: options.dryRun }, signal);
  }

  /**
   * Server-side apply: the only way that anything is applied. The server's own metadata and the status are not sent.
   * @throws ApplyConflictError where other managers hold fields; InvalidObjectError where the object is to blame;
   * TerminalError for a field manager that is no good; ApiError (`isConflict`) where a guard does not hold.
   */
  async apply(
    resource: Resource,
    object: KubeObject,
    options: ApplyOptions,
    signal: AbortSignal,
  ): Promise<ApplyResult> {
    checkFieldManager(options.fieldManager);
    checkScope(resource, object);
    const key = keyOf(object);
    const answer = await this.call(
      {
        method: 'PATCH',
        path: objectPath(resource, key, options.subresource),
        query: { ...writeQuery(options), force: options.force === true ? 'true' : 'false' },
        body: applyBody(object, options, options.subresource === 'status'),
        contentType: PATCH_TYPES.apply,
        storesNothing: options.dryRun,
        route: routeOf('apply', resource, key),
      },
      signal,
    );
    const applied = objectOf(answer.value);
    return { object: applied, isCreated: answer.statusCode === 201 };
  }

  async mergePatch(
    resource: Resource,
    key: ObjectKey,
    patch: JsonObject,
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<KubeObject> {
    return this.#patch('mergePatch', resource, key, patch, options, signal);
  }

  /** @throws ApiError, `isPreconditionFailed` where a `test` or a resourceVersion in the patch does not hold. */
  async jsonPatch(
    resource: Resource,
    key: ObjectKey,
    operations: readonly JsonPatchOperation[],
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<KubeObject> {
    return this.#patch('jsonPatch', resource, key, operations, options, signal);
  }

  /** @throws ApiError, `isConflict` where a precondition does not hold. An object that is not there is `gone`. */
  async delete(
    resource: Resource,
    key: ObjectKey,
    options: DeleteOptions,
    signal: AbortSignal,
  ): Promise<DeleteResult> {
    const body = stringifyJson(deleteBody(options));
    const path = objectPath(resource, key);
    try {
      const route = routeOf('delete', resource, key);
      const storesNothing = options.dryRun;
      const { value } = await this.call({ method: 'DELETE', path, body, storesNothing, route }, signal);
      return isJsonObject(value) && value['kind'] === 'Status'
        ? { state: 'gone' }
        : { state: 'deleting', object: objectOf(value) };
    } catch (error) {
      if (isNotFound(error)) return { state: 'gone' };
      throw error;
    }
  }

  /** Opens a watch; resolves when the server has accepted it. Ends with `signal`, or when reading stops. */
  async watch(
    resource: Resource,
    options: WatchOptions,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<WatchFrame>> {
    const route = routeOf('watch', resource, { namespace: options.namespace });
    const request: Call = {
      method: 'GET',
      path: collectionPath(resource, options.namespace),
      query: watchQuery(options),
      accept: acceptOf(options, 'PartialObjectMetadata'),
      route,
    };
    const chunks = await this.#transport.stream({ ...request, identity: this.#identity }, signal);
    return watchFrames(chunks, route);
  }

  /** All that this client's identity may do in a namespace. */
  async selfSubjectRulesReview(namespace: string, signal: AbortSignal): Promise<RulesReview> {
    return rulesOf(await this.#review('SelfSubjectRulesReview', { namespace }, signal));
  }

  /** Whether this client's identity may do one thing. */
  async selfSubjectAccessReview(access: AccessAttributes, signal: AbortSignal): Promise<AccessReview> {
    const resourceAttributes = { ...access };
    return accessOf(await this.#review('SelfSubjectAccessReview', { resourceAttributes }, signal));
  }

  protected async call(request: Call, signal: AbortSignal): Promise<ApiAnswer> {
    return this.#transport.call({ ...request, identity: this.#identity }, signal);
  }

  async #object(request: Call, signal: AbortSignal): Promise<KubeObject> {
    return objectOf((await this.call(request, signal)).value);
  }

  async #patch(
    verb: 'mergePatch' | 'jsonPatch',
    resource: Resource,
    key: ObjectKey,
    patch: JsonObject | readonly JsonPatchOperation[],
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<KubeObject> {
    return this.#object(
      {
        method: 'PATCH',
        path: objectPath(resource, key, options.subresource),
        query: writeQuery(options),
        body: stringifyJson(patch),
        contentType: PATCH_TYPES[verb],
        storesNothing: options.dryRun,
        route: routeOf(verb, resource, key),
      },
      signal,
    );
  }

  async #review(kind: string, spec: JsonObject, signal: AbortSignal): Promise<JsonValue | undefined> {
    const plural = `${kind.toLowerCase()}s`;
    const path = `/apis/authorization.k8s.io/v1/${plural}`;
    const route = { verb: 'create', resource: `${plural}.authorization.k8s.io` };
    const body = stringifyJson({ apiVersion: 'authorization.k8s.io/v1', kind, spec });
    return (await this.call({ method: 'POST', path, body, storesNothing: true, route }, signal)).value;
  }
}

/** Acts with the rights of one ServiceAccount, always. */
export class TenantClient extends KubeClient {
  readonly #tenant: ServiceAccountIdentity;

  /** Use {@link OperatorClient.forServiceAccount}. */
  constructor(transport: Transport, identity: ServiceAccountIdentity) {
    super(transport, identity);
    this.#tenant = identity;
  }

  get identity(): ServiceAccountIdentity {
    return this.#tenant;
  }
}

const MAX_TENANT_CLIENTS = 10_000;
/** How long the API server may take to say that it is ready. */
const LOOK_TIMEOUT_MS = 5_000;

export interface OperatorClientOptions extends TransportOptions {
  /** The operator's own ServiceAccount: never given to anybody, whatever its name is asked as. */
  readonly ownIdentity?: ServiceAccountIdentity;
}

/** Acts with the operator's own rights. Owns the connections: close it at the end. */
export class OperatorClient extends KubeClient {
  readonly #transport: Transport;
  readonly #ownIdentity: ServiceAccountIdentity | undefined;
  readonly #tenants: LRUCache<string, TenantClient> = new LRUCache({ max: MAX_TENANT_CLIENTS });

  constructor(options: OperatorClientOptions) {
    const transport = new Transport(options);
    super(transport, undefined);
    this.#transport = transport;
    this.#ownIdentity = options.ownIdentity;
  }

  /**
   * The client that acts as this ServiceAccount, over the same connections.
   * @throws TerminalError (`INVALID_IDENTITY`) for the operator's own ServiceAccount.
   */
  forServiceAccount(identity: ServiceAccountIdentity): TenantClient {
    if (identity.username === this.#ownIdentity?.username) {
      throw new TerminalError(
        `service account ${identity.namespace}/${identity.name} is the operator's own`,
        {
          code: 'INVALID_IDENTITY',
          reason: 'InvalidServiceAccount',
        },
      );
    }
    const known = this.#tenants.get(identity.username);
    if (known !== undefined) return known;
    const client = new TenantClient(this.#transport, identity);
    this.#tenants.set(identity.username, client);
    return client;
  }

  /** A document of discovery; undefined where the server says that it is the one with this etag. */
  async discover(
    path: string,
    options: { readonly accept: string; readonly etag?: string | undefined },
    signal: AbortSignal,
  ): Promise<Pick<ApiAnswer, 'value' | 'etag'>> {
    const route: CallRoute = { verb: 'discover', resource: path };
    return this.call({ method: 'GET', path, ...options, route }, signal);
  }

  /** Resolves when no write is under way, so that none lands any more. Those that the write gate does not ask don't count. */
  async writesSettled(): Promise<void> {
    await this.#transport.writesSettled();
  }

  /** Short calls of all identities. */
  get load(): ApiLoad {
    return this.#transport.load;
  }

  /**
   * Asks the API server whether it is ready, beside the limit of calls in flight, which may all hang. Who may not ask has
   * been answered all the same.
   * @throws ApiError or TransportError where it is not; the signal's reason
   */
  async checkServing(signal: AbortSignal): Promise<void> {
    const route: CallRoute = { verb: 'discover', resource: '/readyz' };
    const limit = AbortSignal.timeout(LOOK_TIMEOUT_MS);
    try {
      const body = await this.#transport.openBeside(
        { method: 'GET', path: '/readyz', accept: '*/*', identity: undefined, route },
        AbortSignal.any([signal, limit]),
      );
      for await (const _chunk of body);
    } catch (error) {
      signal.throwIfAborted();
      if (limit.aborted) {
        throw new TransportError('timeout', `discover /readyz: no answer in ${LOOK_TIMEOUT_MS} ms`, error);
      }
      const isAnswer = error instanceof ApiError && error.statusCode < 500 && error.statusCode !== 429;
      if (!isAnswer) throw error;
    }
  }

  /** Ends all connections, whatever is under way on them. */
  async close(): Promise<void> {
    await this.#transport.close();
  }
}

function objectOf(value: JsonValue | undefined): KubeObject {
  if (isKubeObject(value)) return value;
  throw new TransportError('badResponse', 'answer is not a Kubernetes object');
}
