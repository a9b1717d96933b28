import { expect, it } from 'vitest';
import { confinementProblem } from './confinement.ts';
import { buildPlan } from './plan.ts';

function problemOf(namespace: string | undefined, isNamespaced: boolean | undefined): string | undefined {
  const metadata = { name: 'web', ...(namespace === undefined ? {} : { namespace }) };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata };
  const planned = buildPlan([{ id: 'app', object }], { namespace: 'shop' });
  const [node] = planned.ok ? planned.plan.nodes : [];
  if (node?.isPending !== false) throw new Error('no plan');
  return confinementProblem(node, 'shop', isNamespaced);
}

it('lets namespaced objects of its own namespace through, said or not, known or not', () => {
  expect(problemOf(undefined, true)).toBeUndefined();
  expect(problemOf('shop', true)).toBeUndefined();
  expect(problemOf('shop', undefined)).toBeUndefined();
});

it('refuses another namespace, also while the scope is not known', () => {
  expect(problemOf('kube-system', true)).toBe(
    'node app: ConfigMap web is in namespace kube-system, only shop is allowed',
  );
  expect(problemOf('kube-system', undefined)).toContain('kube-system');
});

it('refuses what has no namespace, whatever the object says', () => {
  expect(problemOf('shop', false)).toContain('cluster-scoped');
});
