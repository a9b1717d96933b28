import { describe, expect, it } from 'vitest';
import { factsOf } from '../../faults/proxy/call.ts';

function facts(
  method: string,
  path: string,
  { headers = {}, body = '' }: { headers?: Record<string, string>; body?: string } = {},
): ReturnType<typeof factsOf> {
  return factsOf({ method, path, headers, body: Buffer.from(body) });
}

const APPLY = { 'content-type': 'application/apply-patch+yaml' };
const MERGE = { 'content-type': 'application/merge-patch+json' };

describe('what a request is', () => {
  it.each([
    ['GET', '/api/v1/namespaces/shop/pods/web', {}, 'get', 'pods', 'shop', 'web', undefined],
    ['GET', '/api/v1/namespaces/shop/pods?limit=500', {}, 'list', 'pods', 'shop', undefined, undefined],
    ['GET', '/apis/apps/v1/deployments?watch=true', {}, 'watch', 'deployments.apps', undefined, undefined],
    ['GET', '/api/v1/namespaces/shop', {}, 'get', 'namespaces', undefined, 'shop', undefined],
    ['GET', '/api/v1/namespaces', {}, 'list', 'namespaces', undefined, undefined, undefined],
    ['PUT', '/api/v1/namespaces/shop/finalize', {}, 'update', 'namespaces', undefined, 'shop', 'finalize'],
    [
      'PATCH',
      '/apis/apps/v1/namespaces/a/deployments/b/status',
      APPLY,
      'apply',
      'deployments.apps',
      'a',
      'b',
      'status',
    ],
    ['PATCH', '/api/v1/namespaces/a/configmaps/b', MERGE, 'patch', 'configmaps', 'a', 'b', undefined],
    [
      'DELETE',
      '/apis/rbac.authorization.k8s.io/v1/clusterroles/x%3Ay',
      {},
      'delete',
      'clusterroles.rbac.authorization.k8s.io',
      undefined,
      'x:y',
    ],
    [
      'POST',
      '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
      {},
      'review',
      'selfsubjectrulesreviews.authorization.k8s.io',
      undefined,
      undefined,
    ],
    ['GET', '/apis/apps/v1', {}, 'discovery', '', undefined, undefined, undefined],
    ['GET', '/openapi/v3?timeout=32s', {}, 'discovery', '', undefined, undefined, undefined],
    ['GET', '/api', {}, 'discovery', '', undefined, undefined, undefined],
  ])('%s %s', (method, path, headers, verb, resource, namespace, name, subresource?: string) => {
    expect(facts(method, path, { headers })).toMatchObject({
      verb,
      resource,
      namespace,
      name,
      subresource,
    });
  });

  it('names what a create makes', () => {
    const body = '{"kind":"ConfigMap","metadata":{"name":"web"}}';
    const call = facts('POST', '/api/v1/namespaces/shop/configmaps', { body });
    expect(call).toMatchObject({ verb: 'create', name: 'web', isWrite: true });
  });

  it('tells what may store something from what does not', () => {
    const path = '/api/v1/namespaces/shop/configmaps/web';
    expect(facts('PATCH', path, { headers: APPLY }).isWrite).toBe(true);
    expect(facts('PATCH', `${path}?dryRun=All`, { headers: APPLY }).isWrite).toBe(false);
    expect(facts('DELETE', path, { body: '{"preconditions":{"uid":"1"}}' }).isWrite).toBe(true);
    expect(facts('DELETE', path, { body: '{"dryRun":["All"]}' }).isWrite).toBe(false);
    expect(facts('GET', path).isWrite).toBe(false);
    expect(facts('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews').isWrite).toBe(false);
  });

  it('knows leases, and whom a call is made as', () => {
    const path = '/apis/coordination.k8s.io/v1/namespaces/pequod-system/leases/pequod';
    expect(facts('PATCH', path, { headers: MERGE })).toMatchObject({
      isLease: true,
      impersonated: undefined,
    });
    const headers = { 'impersonate-user': 'system:serviceaccount:shop:deployer' };
    const call = facts('GET', '/api/v1/namespaces/shop/secrets/x', { headers });
    expect(call).toMatchObject({ isLease: false, impersonated: 'system:serviceaccount:shop:deployer' });
  });
});
