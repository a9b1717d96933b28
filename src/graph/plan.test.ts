import { alg, Graph } from '@dagrejs/graphlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GraphNode, KubeObject } from '../api/index.ts';
import { buildPlan, type Plan, toDot } from './index.ts';

const NAMESPACE = 'shop';

function configMap(name: string, namespace?: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: namespace === undefined ? { name } : { name, namespace },
  };
}

function node(id: string, dependsOn: readonly string[] = [], extra: Partial<GraphNode> = {}): GraphNode {
  return { id, object: configMap(id), dependsOn, ...extra };
}

function planOf(nodes: readonly GraphNode[], maxNodes = 1_000): Plan {
  const result = buildPlan(nodes, { namespace: NAMESPACE, maxNodes });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.plan;
}

function problemsOf(
  nodes: readonly GraphNode[],
): readonly { code: string; nodeIds: readonly string[]; message: string }[] {
  const result = buildPlan(nodes, { namespace: NAMESPACE });
  return result.ok ? [] : result.problems;
}

const ids = (plan: Plan): readonly string[] => plan.order.map(({ id }) => id);

describe('buildPlan', () => {
  it('orders dependencies before dependents and ties by declaration', () => {
    const plan = planOf([node('app', ['db', 'cache']), node('cache'), node('db'), node('job', ['db'])]);
    expect(ids(plan)).toEqual(['cache', 'db', 'app', 'job']);
    expect(plan.nodes.map(({ id }) => id)).toEqual(['app', 'cache', 'db', 'job']);
    expect(plan.byId.get('app')).toMatchObject({ wave: 1, dependsOn: ['db', 'cache'], dependents: [] });
    expect(plan.byId.get('db')?.dependents).toEqual(['app', 'job']);
  });

  it('gives each node the length of its longest path as wave', () => {
    const plan = planOf([node('a'), node('b', ['a']), node('c', ['a', 'b']), node('d')]);
    expect(plan.nodes.map(({ wave }) => wave)).toEqual([0, 1, 2, 0]);
  });

  it('puts a CustomResourceDefinition before the objects of its group and kind', () => {
    const crd: KubeObject = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.example.org' },
      spec: { group: 'example.org', names: { kind: 'Widget', plural: 'widgets' } },
    };
    const widget: KubeObject = { apiVersion: 'example.org/v1beta1', kind: 'Widget', metadata: { name: 'w' } };
    const other: KubeObject = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' } };
    const plan = planOf([
      { id: 'w', object: widget },
      { id: 'other', object: other },
      { id: 'crd', object: crd },
    ]);
    expect(plan.byId.get('w')?.dependsOn).toEqual(['crd']);
    expect(plan.byId.get('other')?.dependsOn).toEqual([]);
  });

  it('puts a Namespace before what lives in it, but not before cluster-scoped objects', () => {
    const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } };
    const role: KubeObject = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'r', namespace: 'team' },
    };
    const plan = planOf([
      { id: 'inside', object: configMap('c', 'team') },
      { id: 'outside', object: configMap('c') },
      { id: 'role', object: role },
      { id: 'ns', object: namespace },
    ]);
    expect(plan.byId.get('inside')?.dependsOn).toEqual(['ns']);
    expect(plan.byId.get('outside')?.dependsOn).toEqual([]);
    expect(plan.byId.get('role')).toMatchObject({ dependsOn: [], declaredNamespace: 'team' });
    expect(plan.byId.get('role')).toHaveProperty('identity', {
      group: 'rbac.authorization.k8s.io',
      kind: 'ClusterRole',
      name: 'r',
    });
  });

  it('counts an edge that is declared and implied once', () => {
    const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } };
    const plan = planOf([
      { id: 'ns', object: namespace },
      { id: 'c', object: configMap('c', 'team'), dependsOn: ['ns', 'ns'] },
    ]);
    expect(plan.byId.get('c')?.dependsOn).toEqual(['ns']);
    expect(plan.byId.get('ns')?.dependents).toEqual(['c']);
  });

  it('refuses more nodes than the limit without looking at them', () => {
    const nodes = Array.from({ length: 101 }, (_, at) => node(`n${at}`));
    expect(problemsOf(nodes)).toEqual([
      { code: 'TooManyNodes', nodeIds: [], message: 'the graph has 101 nodes, at most 100 are allowed' },
    ]);
  });

  it('plans a chain of 20,000 nodes without exhausting the stack', () => {
    const chain = Array.from({ length: 20_000 }, (_, at) => node(`n${at}`, at === 0 ? [] : [`n${at - 1}`]));
    expect(planOf(chain, 20_000).nodes.at(-1)?.wave).toBe(19_999);
  });

  it('agrees with a graph library on what is a cycle, and keeps every edge in order', () => {
    const edges = fc.array(fc.tuple(fc.nat(11), fc.nat(11)), { maxLength: 24 });
    fc.assert(
      fc.property(edges, (pairs) => {
        const dependsOn = new Map<string, string[]>();
        const library = new Graph({ directed: true });
        for (let at = 0; at < 12; at++) {
          dependsOn.set(`n${at}`, []);
          library.setNode(`n${at}`);
        }
        for (const [from, to] of pairs) {
          if (from === to) continue;
          dependsOn.get(`n${to}`)?.push(`n${from}`);
          library.setEdge(`n${from}`, `n${to}`);
        }
        const nodes = [...dependsOn].map(([id, list]) => node(id, list));
        const result = buildPlan(nodes, { namespace: NAMESPACE });
        expect(result.ok).toBe(alg.isAcyclic(library));
        if (result.ok) {
          const position = new Map(ids(result.plan).map((id, at) => [id, at]));
          for (const [id, list] of dependsOn) {
            for (const before of list) expect(position.get(before)).toBeLessThan(position.get(id) ?? -1);
          }
        } else {
          // Every cycle is real, and no group of nodes that depend on each other goes unmentioned.
          const named = new Set(result.problems.flatMap(({ nodeIds }) => nodeIds));
          for (const { nodeIds } of result.problems) {
            nodeIds.forEach((id, at) => {
              expect(dependsOn.get(id)).toContain(nodeIds[(at + 1) % nodeIds.length]);
            });
          }
          for (const group of alg.tarjan(library)) {
            if (group.length > 1) expect(group.some((id) => named.has(id))).toBe(true);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('problems of a graph', () => {
  it('names a cycle with its whole path', () => {
    const problems = problemsOf([node('a', ['b']), node('b', ['c']), node('c', ['a']), node('d', ['a'])]);
    expect(problems).toEqual([
      { code: 'Cycle', nodeIds: ['a', 'b', 'c'], message: 'dependency cycle: a → b → c → a' },
    ]);
  });

  it('reports all problems at once', () => {
    const problems = problemsOf([
      node('Bad_Id'),
      node('a', ['a', 'missing']),
      node('a'),
      { id: 'g', object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', generateName: 'p-' } } },
      node('x', ['y']),
      node('y', ['x']),
    ]);
    expect(problems.map(({ code, nodeIds }) => [code, ...nodeIds])).toEqual([
      ['InvalidId', 'Bad_Id'],
      ['DuplicateId', 'a'],
      ['DuplicateObject', 'a', 'a'],
      ['InvalidObject', 'g'],
      ['SelfDependency', 'a'],
      ['UnknownDependency', 'a'],
      ['Cycle', 'x', 'y'],
    ]);
  });

  it.each([
    ['', 'node #0 has an invalid id: up to 63 lowercase letters, digits and inner dashes are allowed'],
    ['-a', 'node -a has an invalid id: up to 63 lowercase letters, digits and inner dashes are allowed'],
    [
      'a'.repeat(64),
      `node ${'a'.repeat(64)} has an invalid id: up to 63 lowercase letters, digits and inner dashes are allowed`,
    ],
  ])('refuses the id %j', (id, message) => {
    expect(problemsOf([{ ...node('ok'), id }])).toEqual([
      { code: 'InvalidId', nodeIds: [id === '' ? '#0' : id], message },
    ]);
  });

  it('takes two versions of one object, and a namespace said or left out, for the same object', () => {
    const scale = (version: string, namespace?: string): KubeObject => ({
      apiVersion: `autoscaling/${version}`,
      kind: 'HorizontalPodAutoscaler',
      metadata: namespace === undefined ? { name: 'web' } : { name: 'web', namespace },
    });
    expect(
      problemsOf([
        { id: 'a', object: scale('v1') },
        { id: 'b', object: scale('v2', NAMESPACE) },
      ]),
    ).toEqual([
      {
        code: 'DuplicateObject',
        nodeIds: ['a', 'b'],
        message: 'nodes a and b are the same object: HorizontalPodAutoscaler web',
      },
    ]);
    expect(
      problemsOf([
        { id: 'a', object: scale('v1') },
        { id: 'b', object: scale('v1', 'other') },
      ]),
    ).toEqual([]);
  });

  it.each([
    [{ kind: 'Pod', metadata: { name: 'p' } }, 'has an object without a valid apiVersion'],
    [
      { apiVersion: 'a/b/c', kind: 'Pod', metadata: { name: 'p' } },
      'has an object without a valid apiVersion',
    ],
    [{ apiVersion: 'v1', metadata: { name: 'p' } }, 'has an object without kind'],
    [{ apiVersion: 'v1', kind: 'Pod' }, 'has an object without metadata'],
    [{ apiVersion: 'v1', kind: 'Pod', metadata: {} }, 'has an object without metadata.name'],
    [
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: '' } },
      'has an object with an invalid metadata.namespace',
    ],
    [undefined, 'has no object'],
  ])('refuses the object %j', (object, message) => {
    const nodes: GraphNode[] = JSON.parse(JSON.stringify([{ id: 'n', object }]));
    expect(problemsOf(nodes).map((problem) => problem.message)).toEqual([`node n ${message}`]);
  });

  it.each([
    [{ type: 'Sometimes' }, '.type: must be one of ConditionMatch'],
    [{ type: 'Exists', timeout: '5' }, '.timeout: must be a duration such as 90s or 5m'],
    [{ type: 'Exists', timeout: '0s' }, '.timeout: must be longer than zero'],
    [{ type: 'ConditionMatch' }, '.conditionType: is required'],
    [
      { type: 'ConditionMatch', conditionType: 'Ready', conditionStatus: 'Yes' },
      '.conditionStatus: must be one of True, False, Unknown',
    ],
    ['Exists', ': must be an object, not a string'],
    [{ type: 'CEL' }, '.expression: is required'],
    [{ type: 'CEL', expression: 'objekt.x' }, '.expression: 1:1: unknown variable: objekt'],
    [{ type: 'CEL', expression: '1 + 1' }, '.expression: 1:1: the result is of type int, not bool'],
    [
      { type: 'CEL', expression: 'object.ok', failedWhen: 'object.bad &&' },
      '.failedWhen: 1:14: unexpected token: EOF',
    ],
  ])('refuses the predicate %j', (predicate, message) => {
    const nodes: GraphNode[] = JSON.parse(
      JSON.stringify([{ ...node('n'), readyWhen: [{ type: 'Exists' }, predicate] }]),
    );
    expect(problemsOf(nodes)).toEqual([
      {
        code: 'InvalidPredicate',
        nodeIds: ['n'],
        message: expect.stringContaining(`node n has an invalid readyWhen[1]${message}`),
      },
    ]);
  });

  it.each([
    [{ host: 'object.status +' }, 'has an invalid exports.host: 1:16: unexpected token: EOF'],
    [{ host: 'missing(1)' }, 'has an invalid exports.host: 1:1: unknown function: missing'],
    [{ host: 7 }, 'has an invalid exports.host: must be a string, not a number'],
    ['host', 'has an invalid exports: must be an object, not a string'],
  ])('refuses the exports %j', (exports, message) => {
    const nodes: GraphNode[] = JSON.parse(JSON.stringify([{ ...node('n'), exports }]));
    expect(problemsOf(nodes)).toEqual([
      { code: 'InvalidExport', nodeIds: ['n'], message: `node n ${message}` },
    ]);
  });

  it('refuses to export from a Secret', () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } };
    expect(problemsOf([node('n', [], { object: secret, exports: { token: 'object.data.token' } })])).toEqual([
      {
        code: 'InvalidExport',
        nodeIds: ['n'],
        message: 'node n exports token of a Secret: what is in a Secret stays there',
      },
    ]);
  });

  it('takes a pending node, which has exports and predicates but no object', () => {
    const pending: GraphNode = {
      id: 'n',
      waitsFor: ['observed.db.host'],
      exports: { host: 'object.status.host' },
      readyWhen: [{ type: 'CEL', expression: 'object.status.ready' }],
    };
    expect(problemsOf([pending])).toEqual([]);
  });

  it.each([
    ['spec/replicas', 'is not a JSON pointer'],
    ['/spec/a~2b', 'is not a JSON pointer'],
    ['', 'is not a JSON pointer'],
    ['/', 'names no field'],
    ['/kind', 'is part of the identity of the object'],
    ['/metadata/name', 'touches metadata other than a single label or annotation'],
    ['/metadata/labels', 'touches metadata other than a single label or annotation'],
    ['/metadata/labels/pequod.io~1graph', 'is set by the operator itself'],
    ['/metadata/labels/applyset.kubernetes.io~1part-of', 'is set by the operator itself'],
  ])('refuses to ignore %j', (field, message) => {
    expect(problemsOf([node('n', [], { ignoreFields: [field] })])).toEqual([
      {
        code: 'InvalidIgnoreField',
        nodeIds: ['n'],
        message: `node n ignores ${JSON.stringify(field)}, which ${message}`,
      },
    ]);
  });

  it('allows to ignore fields, single labels and single annotations', () => {
    const ignoreFields = ['/spec/replicas', '/metadata/labels/team', '/metadata/annotations/a~1b'];
    expect(problemsOf([node('n', [], { ignoreFields })])).toEqual([]);
  });
});

it('draws a plan with arrows from dependencies to dependents', () => {
  expect(toDot(planOf([node('db'), node('app', ['db'])]))).toBe(
    [
      'digraph plan {',
      '  rankdir=LR;',
      '  node [shape=box];',
      '  "db" [label="db\\nConfigMap shop/db"];',
      '  "app" [label="app\\nConfigMap shop/app"];',
      '  "db" -> "app";',
      '}',
      '',
    ].join('\n'),
  );
});
