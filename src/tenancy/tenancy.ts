// Who may do what. Invariants kept here:
// - What touches managed objects runs as a ServiceAccount of the Transform's own namespace; the namespace is never an
//   input of a tenant, and nothing falls back to another identity.
// - The operator's own ServiceAccount is refused, whoever names it.
// - A right is called missing only where a complete review says so.
import type { NamespacedName } from '../api/index.ts';
import { TerminalError, WaitingError } from '../errors.ts';
import {
  isNotFound,
  type OperatorClient,
  type RulesReview,
  SERVICE_ACCOUNTS,
  type ServiceAccountIdentity,
  serviceAccountIdentity,
  type TenantClient,
} from '../kube/index.ts';
import { ExpiringCache } from './expiring-cache.ts';
import { type MissingRight, missingIn, type RightsNeed } from './rights.ts';
import type { Verb } from './rules.ts';

/** Reason where the ServiceAccount of a Transform does not exist. */
export const SERVICE_ACCOUNT_MISSING = 'ServiceAccountMissing' as const;
/** How long the existence of a ServiceAccount and a review of its rights are believed. */
const TTL_MS = 60_000;
const MAX_ENTRIES = 10_000;
/** Limit of a call that several passes wait for. */
const CALL_TIMEOUT_MS = 30_000;
/** How often a ServiceAccount that is missing is looked for again. */
const MISSING_RETRY_MS = 15_000;

export interface TenancyOptions {
  readonly operator: OperatorClient;
  /** Name of the ServiceAccount of Transforms that name none. */
  readonly defaultServiceAccount: string;
  /** The operator's own ServiceAccount, asked for at each use; unknown outside of a cluster. */
  readonly operatorIdentity?: () => NamespacedName | undefined;
  /** Milliseconds; only differences count. */
  readonly now: () => number;
}

/** Gives out clients that act as tenants, and knows what those may do. */
export class Tenancy {
  readonly #options: TenancyOptions;
  readonly #existing: ExpiringCache<boolean>;
  readonly #rules: ExpiringCache<RulesReview>;
  readonly #access: ExpiringCache<boolean>;

  constructor(options: TenancyOptions) {
    this.#options = options;
    const cache = { ttlMs: TTL_MS, maxEntries: MAX_ENTRIES, now: options.now };
    this.#existing = new ExpiringCache(cache);
    this.#rules = new ExpiringCache(cache);
    this.#access = new ExpiringCache(cache);
  }

  /** The name that a Transform or a graph acts under. */
  serviceAccountOf(spec: { readonly serviceAccountName?: string | undefined }): string {
    return spec.serviceAccountName ?? this.#options.defaultServiceAccount;
  }

  /**
   * A client that acts as this ServiceAccount, which has to exist.
   * @throws WaitingError (`SERVICE_ACCOUNT_MISSING`) where it does not; TerminalError (`INVALID_IDENTITY`) for an
   * impossible name and for the operator's own; ApiError and TransportError where it can't be looked up.
   */
  async clientFor(namespace: string, serviceAccount: string, signal: AbortSignal): Promise<TenantClient> {
    const identity = this.#identity(namespace, serviceAccount);
    const exists = await this.#existing.get(
      cacheKey(namespace, serviceAccount),
      () => this.#lookUp(identity),
      signal,
    );
    if (exists) return this.#options.operator.forServiceAccount(identity);
    this.#existing.forget(cacheKey(namespace, serviceAccount));
    throw new WaitingError(`service account ${namespace}/${serviceAccount} does not exist`, {
      code: 'SERVICE_ACCOUNT_MISSING',
      reason: SERVICE_ACCOUNT_MISSING,
      afterMs: MISSING_RETRY_MS,
    });
  }

  /** As {@link clientFor} without asking whether it exists: for a deletion its rights count. @throws TerminalError */
  clientForDeletion(namespace: string, serviceAccount: string): TenantClient {
    return this.#options.operator.forServiceAccount(this.#identity(namespace, serviceAccount));
  }

  /**
   * What of `needs` the ServiceAccount may not do. One rules review per namespace, an access review per verb for what
   * is cluster-scoped, each kept for a minute. Empty where the reviews leave it open.
   */
  async missingRights(
    namespace: string,
    serviceAccount: string,
    needs: readonly RightsNeed[],
    signal: AbortSignal,
  ): Promise<readonly MissingRight[]> {
    const client = this.clientForDeletion(namespace, serviceAccount);
    const prefix = cacheKey(namespace, serviceAccount);
    const checks = needs.map(async (need): Promise<MissingRight | undefined> => {
      if (need.namespace === undefined)
        return await this.#missingAtClusterScope(client, prefix, need, signal);
      const place = need.namespace;
      const ask = (): Promise<RulesReview> =>
        client.selfSubjectRulesReview(place, AbortSignal.timeout(CALL_TIMEOUT_MS));
      return missingIn(await this.#rules.get(`${prefix}${place}`, ask, signal), need);
    });
    return (await Promise.all(checks)).filter((missing) => missing !== undefined);
  }

  /** Drops what is known of a ServiceAccount: after a 403, or when its rights are expected to have changed. */
  forget(namespace: string, serviceAccount: string): void {
    const prefix = cacheKey(namespace, serviceAccount);
    for (const cache of [this.#existing, this.#rules, this.#access]) cache.forget(prefix);
  }

  async #missingAtClusterScope(
    client: TenantClient,
    prefix: string,
    need: RightsNeed,
    signal: AbortSignal,
  ): Promise<MissingRight | undefined> {
    const { resource, name } = need;
    const attributes = {
      group: resource.group,
      resource: resource.plural,
      ...(name === undefined ? {} : { name }),
    };
    const isDenied = async (verb: Verb): Promise<boolean> => {
      const key = [resource.group, resource.plural, name ?? '', verb].join('/');
      const ask = async (): Promise<boolean> => {
        const limit = AbortSignal.timeout(CALL_TIMEOUT_MS);
        return (await client.selfSubjectAccessReview({ verb, ...attributes }, limit)).isAllowed;
      };
      return !(await this.#access.get(`${prefix}${key}`, ask, signal));
    };
    const denied = await Promise.all(need.verbs.map(isDenied));
    const verbs = need.verbs.filter((_, index) => denied[index] === true);
    return verbs.length === 0 ? undefined : { ...need, verbs };
  }

  #identity(namespace: string, serviceAccount: string): ServiceAccountIdentity {
    const own = this.#options.operatorIdentity?.();
    if (own !== undefined && own.namespace === namespace && own.name === serviceAccount) {
      throw new TerminalError(`service account ${namespace}/${serviceAccount} is the operator's own`, {
        code: 'INVALID_IDENTITY',
        reason: 'InvalidServiceAccount',
      });
    }
    return serviceAccountIdentity(namespace, serviceAccount);
  }

  async #lookUp(identity: ServiceAccountIdentity): Promise<boolean> {
    const { namespace, name } = identity;
    try {
      await this.#options.operator.get(
        SERVICE_ACCOUNTS,
        { namespace, name },
        AbortSignal.timeout(CALL_TIMEOUT_MS),
      );
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }
}

/** Ends with a character that no name has, so that no key is the beginning of another account's. */
function cacheKey(namespace: string, serviceAccount: string): string {
  return `${namespace}/${serviceAccount}|`;
}
