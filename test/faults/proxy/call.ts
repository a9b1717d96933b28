// What a request is, from its method, path, headers and body alone: the words of audit logs.
import type { IncomingHttpHeaders } from 'node:http';
import { isJsonObject, type JsonObject, parseJson } from '../../../src/json/index.ts';
import type { SeenCall, Verb } from './types.ts';

/** A request that came in, whole. */
export interface WholeRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

type CallFacts = Omit<SeenCall, 'number' | 'receivedAtMs' | 'landed' | 'delivered' | 'fault' | 'changes'>;

interface Target {
  readonly resource: string;
  readonly subresource: string | undefined;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

const REVIEW_GROUPS = ['authorization.k8s.io', 'authentication.k8s.io'];
const LEASES = 'leases.coordination.k8s.io';

/** Reads what can be known of a call before anybody has answered it. */
export function factsOf(request: WholeRequest): CallFacts {
  const url = new URL(request.path, 'https://api.invalid');
  const target = targetOf(url.pathname);
  const verb = verbOf(request, url, target);
  const body = request.method === 'POST' || request.method === 'DELETE' ? jsonOf(request.body) : undefined;
  const isDryRun = url.searchParams.has('dryRun') || body?.['dryRun'] !== undefined;
  const impersonated = request.headers['impersonate-user'];
  return {
    method: request.method,
    path: request.path,
    verb,
    resource: target?.resource ?? '',
    subresource: target?.subresource,
    namespace: target?.namespace,
    name: target?.name ?? (verb === 'create' ? nameIn(body) : undefined),
    impersonated: typeof impersonated === 'string' ? impersonated : undefined,
    isWrite: !isDryRun && ['create', 'apply', 'patch', 'update', 'delete'].includes(verb),
    isLease: target?.resource === LEASES,
  };
}

/** `/api/v1/…` and `/apis/<group>/<version>/…`; undefined for what is about no resource. */
function targetOf(pathname: string): Target | undefined {
  const [root, ...segments] = pathname
    .split('/')
    .filter((segment) => segment !== '')
    .map(decodeURIComponent);
  if (root !== 'api' && root !== 'apis') return undefined;
  const group = root === 'apis' ? (segments.shift() ?? '') : '';
  const [, ...rest] = segments;
  // `namespaces/shop/status` is about the Namespace, `namespaces/shop/pods` about Pods in it.
  const isInside =
    rest[0] === 'namespaces' && rest[2] !== undefined && !['status', 'finalize'].includes(rest[2]);
  const [plural, name, subresource] = isInside ? rest.slice(2) : rest;
  if (plural === undefined) return undefined;
  return {
    resource: group === '' ? plural : `${plural}.${group}`,
    subresource,
    namespace: isInside ? rest[1] : undefined,
    name,
  };
}

function verbOf(request: WholeRequest, url: URL, target: Target | undefined): Verb {
  if (target === undefined) return 'discovery';
  switch (request.method) {
    case 'POST':
      return REVIEW_GROUPS.some((group) => target.resource.endsWith(`.${group}`)) ? 'review' : 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return request.headers['content-type']?.startsWith('application/apply-patch') === true
        ? 'apply'
        : 'patch';
    case 'DELETE':
      return 'delete';
    default:
      if (['true', '1'].includes(url.searchParams.get('watch') ?? '')) return 'watch';
      return target.name === undefined ? 'list' : 'get';
  }
}

function jsonOf(body: Buffer): JsonObject | undefined {
  try {
    const value = parseJson(body.toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function nameIn(body: JsonObject | undefined): string | undefined {
  const metadata = body?.['metadata'];
  const name = isJsonObject(metadata) ? metadata['name'] : undefined;
  return typeof name === 'string' ? name : undefined;
}
