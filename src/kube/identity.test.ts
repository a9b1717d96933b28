import { describe, expect, it } from 'vitest';
import { TerminalError } from '../errors.ts';
import { silentLogger } from '../observability/index.ts';
import { OperatorClient, type TenantClient } from './client.ts';
import { fixedClusterConfig } from './config.ts';
import { type ServiceAccountIdentity, serviceAccountIdentity } from './identity.ts';

function client(ownIdentity?: ServiceAccountIdentity): OperatorClient {
  return new OperatorClient({
    config: fixedClusterConfig({ server: 'https://127.0.0.1:1' }),
    version: 'test',
    log: silentLogger(),
    now: () => 0,
    ...(ownIdentity === undefined ? {} : { ownIdentity }),
  });
}

describe('an identity', () => {
  it('is a ServiceAccount of a namespace', () => {
    expect(serviceAccountIdentity('shop', 'web.deployer').username).toBe(
      'system:serviceaccount:shop:web.deployer',
    );
  });

  it.each([
    ['', 'web'],
    ['shop', ''],
    ['shop', 'a:b'],
    ['a:b', 'web'],
    ['shop', 'a/b'],
    ['shop.x', 'web'],
    ['shop', 'Web'],
    ['shop', '-web'],
    ['shop', 'web\nimpersonate-group: system:masters'],
    ['s'.repeat(64), 'web'],
    ['shop', 'w'.repeat(254)],
    ['shop', 'a..b'],
  ])('is refused for %j and %j', (namespace, name) => {
    expect(() => serviceAccountIdentity(namespace, name)).toThrow(TerminalError);
  });

  it('can not be made up, and clients are not mistaken for each other', () => {
    const asTenant = (tenant: TenantClient): TenantClient => tenant;
    const asOperator = (operator: OperatorClient): OperatorClient => operator;
    const operator = client();
    const tenant = operator.forServiceAccount(serviceAccountIdentity('shop', 'web'));
    // @ts-expect-error the operator's client never stands in for a tenant's
    asTenant(operator);
    // @ts-expect-error nor the other way round
    asOperator(tenant);
    // @ts-expect-error an object of the same shape is no identity
    operator.forServiceAccount({ namespace: 'shop', name: 'web', username: '' });
    expect([operator.username, tenant.username]).toEqual([undefined, 'system:serviceaccount:shop:web']);
  });

  it('of the operator is given to nobody', () => {
    const operator = client(serviceAccountIdentity('pequod-system', 'pequod'));
    expect(() => operator.forServiceAccount(serviceAccountIdentity('pequod-system', 'pequod'))).toThrow(
      TerminalError,
    );
    expect(operator.forServiceAccount(serviceAccountIdentity('pequod-system', 'other')).identity.name).toBe(
      'other',
    );
  });
});
