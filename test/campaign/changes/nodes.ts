// Changes of the module: nodes that come, go, and turn into others, and modules that are no good.
import { isJsonArray, type JsonObject, type JsonValue } from '../../../src/json/index.ts';
import type { Random } from '../../simulation/random.ts';
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
import { membersAt, valueAt, withValue } from '../json-path.ts';
import { type Change, pickFrom, type Scene } from './change.ts';

/** New nodes, or the text of a module that can't be one; told in a few words. */
interface Edit {
  readonly told: string;
  readonly nodes?: Nodes;
  readonly text?: string;
}

type Editor = (nodes: Nodes, random: Random) => Edit;

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

function asNodes(value: JsonObject): Nodes {
  return Object.fromEntries(Object.keys(value).map((id) => [id, membersAt(value, [id])]));
}

function on(nodes: Nodes, path: readonly (number | string)[], value: JsonValue | undefined): Nodes {
  return asNodes(withValue(nodes, path, value));
}

function idOf(nodes: Nodes, random: Random): string {
  return pickFrom(random, Object.keys(nodes));
}

function dependenciesOf(nodes: Nodes, id: string): readonly JsonValue[] {
  const found = valueAt(nodes, [id, 'dependsOn']);
  return isJsonArray(found) ? found : [];
}

const set =
  (told: string, path: readonly (number | string)[], ...values: readonly (JsonValue | undefined)[]): Editor =>
  (nodes, random) => {
    const id = idOf(nodes, random);
    const { value } = pickFrom(
      random,
      values.map((each) => ({ value: each })),
    );
    return {
      told: `${id}: ${told} ${JSON.stringify(value)}`.slice(0, 160),
      nodes: on(nodes, [id, ...path], value),
    };
  };

const text =
  (told: string, make: (module: string) => string): Editor =>
  (nodes) => ({ told, text: make(moduleText(nodes)) });

const remove: Editor = (nodes, random) => {
  const id = idOf(nodes, random);
  const left = on(nodes, [id], undefined);
  const isReleased = random.chance(0.7);
  const free = Object.keys(left).reduce(
    (all, each) =>
      dependenciesOf(all, each).includes(id)
        ? on(
            all,
            [each, 'dependsOn'],
            dependenciesOf(all, each).filter((other) => other !== id),
          )
        : all,
    left,
  );
  return {
    told: `without ${id}${isReleased ? '' : ', which others still depend on'}`,
    nodes: isReleased ? free : left,
  };
};

const rename: Editor = (nodes, random) => {
  const id = idOf(nodes, random);
  const name = pickFrom(random, ['renamed', 'x'.repeat(63), 'Bad_Name', '', 'a.b', 'x'.repeat(254)]);
  return {
    told: `object of ${id} is named ${name.slice(0, 20)}`,
    nodes: on(nodes, [id, 'object', 'metadata', 'name'], name),
  };
};

const renameNode: Editor = (nodes, random) => {
  const id = idOf(nodes, random);
  const to = pickFrom(random, ['moved', 'Bad_Id', 'x'.repeat(64)]);
  const moved = Object.fromEntries(Object.entries(nodes).map(([key, node]) => [key === id ? to : key, node]));
  const follows = Object.keys(moved).reduce<Nodes>(
    (all, each) =>
      on(
        all,
        [each, 'dependsOn'],
        dependenciesOf(all, each).map((other) => (other === id ? to : other)),
      ),
    asNodes(moved),
  );
  return { told: `node ${id} is called ${to.slice(0, 10)}`, nodes: follows };
};

const add: Editor = (nodes, random) => {
  const count = pickFrom(random, [1, 1, 3, 20]);
  const added = Array.from({ length: count }, (_, at): [string, JsonObject] => [
    `added-${at}`,
    {
      object: configMapObject(`added-${at}`, { k: 'v' }),
      dependsOn: at === 0 ? [idOf(nodes, random)] : [`added-${at - 1}`],
    },
  ]);
  return { told: `with ${count} more`, nodes: { ...nodes, ...Object.fromEntries(added) } };
};

const addObject =
  (told: string, object: JsonObject): Editor =>
  (nodes) => ({ told: `with ${told}`, nodes: { ...nodes, added: { object } } });

const depend: Editor = (nodes, random) => {
  const [id, other] = [idOf(nodes, random), idOf(nodes, random)];
  return {
    told: `${id} depends on ${other}`,
    nodes: on(nodes, [id, 'dependsOn'], [...dependenciesOf(nodes, id), other]),
  };
};

const cycle: Editor = (nodes) => {
  const ids = Object.keys(nodes);
  return {
    told: 'a circle of all',
    nodes: ids.reduce((all, id, at) => on(all, [id, 'dependsOn'], [ids[(at + 1) % ids.length] ?? id]), nodes),
  };
};

const duplicate: Editor = (nodes, random) => {
  const id = idOf(nodes, random);
  return { told: `${id} twice`, nodes: { ...nodes, copy: nodes[id] ?? {} } };
};

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
