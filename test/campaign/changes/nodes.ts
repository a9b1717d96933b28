// Changes of the module: nodes that come, go, and turn into others, and modules that are no good.
import type { JsonObject } from '../../../src/json/index.ts';
import {
  type Base,
  configMapObject,
  inlineSpec,
  MODULE,
  moduleObject,
  moduleText,
  type Nodes,
  SOURCED_HEAD,
} from '../bases.ts';
import { membersAt, withValue } from '../json-path.ts';
import { type Change, pickFrom, type Scene } from './change.ts';
import {
  add,
  addObject,
  cycle,
  depend,
  duplicate,
  type Edit,
  type Editor,
  remove,
  rename,
  renameNode,
  set,
  text,
} from './node-edits.ts';

export function moduleChange({ base, random }: Scene): Change {
  const { nodes = {} } = base;
  const edit = pickFrom(random, EDITORS)(nodes, random);
  return changeTo(base, edit);
}

/** The change that has a Transform run these nodes. */
function changeTo(base: Base, { told, nodes, text }: Edit): Change {
  const label = `module: ${told}`;
  const isConfigMap = membersAt(base.spec, ['cueRef'])['type'] === 'configmap';
  const module = text ?? moduleText(nodes ?? {}, isConfigMap ? SOURCED_HEAD : '');
  if (!isConfigMap)
    return { label, answer: 'accepted', spec: withValue(base.spec, ['cueRef', 'ref'], module) };
  const data = membersAt(moduleObject(module), ['data']);
  return { label, act: (world) => world.replace('ConfigMap', MODULE, '/data', data) };
}

/** A Transform of the same policies with other nodes. */
export function specWithNodes(base: Base, nodes: Nodes): JsonObject {
  return { ...base.spec, ...inlineSpec(nodes) };
}

const EDITORS: readonly Editor[] = [
  remove,
  remove,
  rename,
  rename,
  renameNode,
  add,
  add,
  depend,
  depend,
  cycle,
  duplicate,
  set(
    'data',
    ['object', 'data'],
    { k: 'other' },
    {},
    { k: 1 },
    { 'bad key': 'v' },
    { k: 'x'.repeat(100_000) },
    { k: null },
  ),
  set('data', ['object', 'data'], { colour: 'green', more: 'v' }, undefined),
  set(
    'labels',
    ['object', 'metadata', 'labels'],
    { team: 'a' },
    { team: 'not valid!' },
    { 'pequod.io/graph': 'mine' },
  ),
  set(
    'annotations',
    ['object', 'metadata', 'annotations'],
    { a: 'b' },
    { 'pequod.io/node': 'mine' },
    { a: 1 },
  ),
  set('kind', ['object', 'kind'], 'ServiceAccount', 'Nonsense', 'ConfigMap', 'Secret', 'Namespace'),
  set('namespace', ['object', 'metadata', 'namespace'], 'kube-system', 'missing', 'Bad_Name', ''),
  set('finalizers', ['object', 'metadata', 'ownerReferences'], []),
  set('spec', ['object', 'spec'], {}, { size: 'big' }, { replicas: 1 }, { replicas: -1 }),
  set('replicas', ['object', 'spec', 'replicas'], 1, 0, 'two', 2 ** 40),
  set(
    'ports',
    ['object', 'spec', 'ports'],
    [{ port: 443 }],
    [],
    [{ port: 0 }],
    [
      { name: 'a', port: 1 },
      { name: 'a', port: 2 },
    ],
  ),
  set('selector', ['object', 'spec', 'selector'], { matchLabels: { app: 'other' } }, { app: 'other' }),
  set(
    'ignoreFields',
    ['ignoreFields'],
    ['/spec/replicas'],
    ['/data/k'],
    ['/metadata/name'],
    ['bad'],
    [],
    ['/data'],
  ),
  set('deletionPolicy', ['deletionPolicy'], 'Orphan', 'Delete', 'Keep'),
  set(
    'applyPolicy',
    ['applyPolicy'],
    { mode: 'Create' },
    { mode: 'Adopt' },
    { conflictPolicy: 'Force' },
    { mode: 'None' },
  ),
  set(
    'applyPolicy',
    ['applyPolicy'],
    { recreate: 'OnImmutable' },
    { mode: 'Create', conflictPolicy: 'Force' },
    {},
  ),
  set(
    'readyWhen',
    ['readyWhen'],
    [{ type: 'Exists' }],
    [{ type: 'CEL', expression: 'false' }],
    [{ type: 'Nonsense' }],
  ),
  set(
    'readyWhen',
    ['readyWhen'],
    [{ type: 'CEL', expression: 'object.' }],
    [{ type: 'CEL', expression: 'false', timeout: '1s' }],
  ),
  set(
    'readyWhen',
    ['readyWhen'],
    [{ type: 'ConditionMatch', conditionType: 'Ready' }],
    [{ type: 'JobComplete' }],
    [],
  ),
  set(
    'readyWhen',
    ['readyWhen'],
    [{ type: 'CEL', expression: 'true', failedWhen: 'true' }],
    [{ type: 'External', url: 'tcp://127.0.0.1:1' }],
  ),
  set(
    'exports',
    ['exports'],
    { name: 'object.metadata.name' },
    { name: 'object.' },
    { 'bad-name': 'object' },
    {},
  ),
  set('apiVersion', ['object', 'apiVersion'], 'v2', 'apps/v1', 'nonsense.example.com/v1', ''),
  set(
    'object',
    ['object'],
    undefined,
    {},
    configMapObject('replaced', { k: 'v' }),
    configMapObject('kube-root-ca.crt', {}),
  ),
  addObject('an inline Secret', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
    stringData: { a: 'b' },
  }),
  addObject('a kind that is not served', {
    apiVersion: 'nonsense.example.com/v1',
    kind: 'Thing',
    metadata: { name: 't' },
  }),
  addObject('a Namespace', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'campaign-other' } }),
  addObject('a Role beyond its rights', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'r' },
    rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
  }),
  () => ({ told: 'nothing at all', nodes: {} }),
  text('nothing at all, and meant', () => 'package campaign\ngraph: {nodes: {}, allowEmpty: true}\n'),
  text('a syntax error', (module) => `${module}}\n`),
  text('a conflict', (module) => `${module}x: 1 & 2\n`),
  text('an unknown reference', (module) => `${module}graph: metadata: name: nowhere.name\n`),
  text('an import from nowhere', (module) =>
    module.replace('package campaign', 'package campaign\nimport "nowhere.example.com/x@v0"'),
  ),
  text(
    'a value that stays open',
    (module) =>
      `${module}graph: nodes: open: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "open", data: k: string}\n`,
  ),
  text(
    'a refusal by its own rules',
    (module) => `${module}graph: violations: [{path: "x", message: "no", severity: "Error"}]\n`,
  ),
  text(
    'a warning',
    (module) => `${module}graph: violations: [{path: "x", message: "careful", severity: "Warning"}]\n`,
  ),
  text(
    'a value of a node that there is not',
    (module) =>
      `${module}graph: nodes: added: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "added", data: k: observed.nowhere.x}\n`,
  ),
  text(
    'over a megabyte',
    (module) =>
      `${module.replace('package campaign\n', 'package campaign\nimport "strings"\n')}graph: nodes: large: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "large", data: k: strings.Repeat("x", 1200000)}\n`,
  ),
  text('no package', () => 'graph: nodes: {}'),
];
