// The Transforms that changes are made to: each has another shape.

import { deploymentObject } from '../../e2e/support/modules.ts';
import type { JsonObject, JsonValue } from '../../src/json/index.ts';
import type { JsonPath } from './json-path.ts';
import { WIDGET_GROUP } from './kinds.ts';

/** Nodes of a module, by id. */
export interface Nodes extends JsonObject {
  readonly [id: string]: JsonObject | undefined;
}

/** A field of a module's input, and values that it may be given, right and wrong ones. */
export interface InputField {
  readonly path: JsonPath;
  readonly values: readonly JsonValue[];
}

export interface Base {
  readonly name: string;
  /** How many of the changes are its, beside the others. */
  readonly weight: number;
  readonly spec: JsonObject;
  /** What its module says, where that is written here: in the spec, or in the ConfigMap {@link MODULE}. */
  readonly nodes?: Nodes;
  readonly inputs?: readonly InputField[];
  /** What users keep beside the Transform. */
  readonly objects?: readonly JsonObject[];
  /** What was there before the Transform, and is taken over by it. */
  readonly found?: readonly JsonObject[];
}

/** Name of the ConfigMap that holds a module. */
export const MODULE = 'module';
const ACCOUNT = { serviceAccountName: 'deployer' } as const;

/** CUE text of a module with these nodes; `\(…)` in texts is an interpolation. */
export function moduleText(nodes: Nodes, head: string = ''): string {
  const json = JSON.stringify(nodes, undefined, '\t').replaceAll('\\\\(', '\\(');
  return `package campaign\n\n${head}graph: nodes: ${json}\n`;
}

export function inlineSpec(nodes: Nodes, more: JsonObject = {}): JsonObject {
  return { ...ACCOUNT, ...more, cueRef: { type: 'inline', ref: moduleText(nodes) } };
}

export function configMapObject(name: string, data: JsonObject, metadata: JsonObject = {}): JsonObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...metadata, name }, data };
}

/** The ConfigMap with the module of a Transform of type configmap. */
export function moduleObject(text: string): JsonObject {
  return configMapObject(MODULE, { 'module.cue': text }, { labels: { 'pequod.io/module': 'true' } });
}

const service = (name: string): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }] },
});

const KINDS: Nodes = {
  account: { object: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'runner' } } },
  settings: { object: configMapObject('settings', { colour: 'red', size: '1' }) },
  service: { object: service('web') },
  widget: {
    object: {
      apiVersion: `${WIDGET_GROUP}/v1`,
      kind: 'Widget',
      metadata: { name: 'w' },
      spec: { size: 3, tags: ['a'] },
    },
    dependsOn: ['settings'],
  },
  app: { object: deploymentObject('web', { replicas: 0 }), dependsOn: ['account', 'settings', 'service'] },
};

const WAVES: Nodes = {
  first: { object: configMapObject('first', { k: '1' }) },
  second: { object: configMapObject('second', { k: '2' }), dependsOn: ['first'] },
  beside: { object: configMapObject('beside', { k: '2' }), dependsOn: ['first'] },
  third: { object: service('third'), dependsOn: ['second', 'beside'] },
  fourth: { object: configMapObject('fourth', { k: '4' }), dependsOn: ['third'] },
  fifth: {
    object: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'fifth' } },
    dependsOn: ['fourth'],
  },
};

const GOVERNED: Nodes = {
  seed: { object: configMapObject('seed', { k: 'once' }), applyPolicy: { mode: 'Create' } },
  forced: { object: configMapObject('forced', { k: 'v' }), applyPolicy: { conflictPolicy: 'Force' } },
  fixed: {
    object: { ...configMapObject('fixed', { k: 'v' }), immutable: true },
    applyPolicy: { recreate: 'OnImmutable' },
  },
  app: {
    object: deploymentObject('web', { replicas: 0 }),
    ignoreFields: ['/spec/replicas'],
    readyWhen: [{ type: 'CEL', expression: '!has(object.spec.paused) || !object.spec.paused' }],
    dependsOn: ['fixed'],
  },
  asked: {
    object: configMapObject('asked', { ready: 'yes' }),
    readyWhen: [
      { type: 'CEL', expression: "object.data.ready == 'yes'", failedWhen: "object.data.ready == 'no'" },
    ],
  },
};

const LIVE: Nodes = {
  db: {
    object: configMapObject('db', { host: 'db.local', port: '5432' }),
    exports: { host: 'object.data.host', port: 'object.data.port' },
  },
  url: {
    object: configMapObject('url', { url: 'postgres://\\(observed.db.host):\\(observed.db.port)' }),
    exports: { url: 'object.data.url' },
  },
  app: { object: configMapObject('app', { command: 'serve --database=\\(observed.url.url)' }) },
  plain: { object: configMapObject('plain', { k: 'v' }) },
};

const ADOPTING: Nodes = {
  old: { object: configMapObject('old', { colour: 'blue' }) },
  own: { object: configMapObject('own', { k: 'v' }), dependsOn: ['old'] },
};

const SOURCED: Nodes = {
  settings: {
    object: configMapObject('settings', { colour: '\\(input.colour)', cpu: '\\(input.limits.cpu)' }),
  },
  other: { object: configMapObject('other', { k: 'v' }), dependsOn: ['settings'] },
};
/** What the module with an input says before its nodes. */
export const SOURCED_HEAD = '#Input: {colour: string, limits: [string]: string}\ninput: #Input\n';

const WEBSERVICE_INPUTS: readonly InputField[] = [
  { path: ['replicas'], values: [1, -1, 1001, 'two', 1.5] },
  { path: ['image'], values: ['docker.io/library/web:2', '', 'with space', 5, 'web'] },
  { path: ['env'], values: [{}, { A: 'b', C: 'd' }, { '1x': 'y' }, { A: 1 }, []] },
  { path: ['files'], values: [{}, { 'a.txt': 'x'.repeat(5000) }, { 'a/b': 'x' }] },
  { path: ['port'], values: [80, 0, 65535, 65536, 'http'] },
  {
    path: ['service'],
    values: [{ port: 8080 }, { type: 'NodePort' }, { type: 'None' }, { annotations: { a: 'b' } }],
  },
  { path: ['health'], values: [{}, { path: '/healthz' }, { path: 'x' }, { periodSeconds: 0 }] },
  { path: ['ingress'], values: [{ host: 'web.example.com' }, { host: 'UPPER' }, {}] },
  { path: ['autoscaling'], values: [{ maxReplicas: 4 }, { minReplicas: 5, maxReplicas: 4 }, {}] },
  { path: ['name'], values: ['other', 'Upper', 'x'.repeat(50), 'x'.repeat(51)] },
  { path: ['labels'], values: [{ team: 'a' }, { 'bad key': 'x' }, { team: 'not valid!' }] },
  { path: ['secretEnv'], values: [['missing'], ['Bad_Name'], 'text'] },
  {
    path: ['resources'],
    values: [{ limits: { cpu: '2' } }, { requests: { cpu: 'much' } }, { requests: { cpu: '9' } }],
  },
  { path: ['readOnlyRootFilesystem'], values: [true, 'yes'] },
  { path: ['nonsense'], values: [1, null] },
];

const DATABASE_INPUTS: readonly InputField[] = [
  { path: ['engine'], values: ['mysql', 'mariadb', 'oracle', 1] },
  { path: ['version'], values: ['16', '', 'a b'] },
  { path: ['database'], values: ['orders', '1x', ''] },
  { path: ['storage', 'size'], values: ['2Gi', '512Mi', 'big', -1] },
  { path: ['storage', 'deletionPolicy'], values: ['Orphan', 'Keep'] },
  { path: ['credentials'], values: [{ secretName: 'other' }, {}, { secretName: 'Bad_Name' }] },
  { path: ['backup'], values: [{ storage: { deletionPolicy: 'Delete' } }, { schedule: 'never' }] },
  { path: ['name'], values: ['other', 'Upper'] },
  { path: ['labels'], values: [{ team: 'a' }] },
  { path: ['resources'], values: [{ limits: { memory: '2Gi' } }, { limits: 1 }] },
];

const SOURCED_INPUTS: readonly InputField[] = [
  { path: ['limits'], values: [{ cpu: '3' }, { cpu: 3 }, {}, 'none', { cpu: '2', memory: '1Gi' }] },
  { path: ['colour'], values: ['green', 7, '', null] },
  { path: ['nonsense'], values: [1] },
];

export const BASES: readonly [Base, ...Base[]] = [
  { name: 'kinds', weight: 4, spec: inlineSpec(KINDS), nodes: KINDS },
  {
    name: 'webservice',
    weight: 3,
    spec: {
      ...ACCOUNT,
      cueRef: { type: 'embedded', ref: 'webservice' },
      input: {
        image: 'docker.io/library/web:1',
        replicas: 0,
        env: { COLOUR: 'red' },
        files: { 'a.txt': 'a' },
      },
    },
    inputs: WEBSERVICE_INPUTS,
  },
  {
    name: 'database',
    weight: 2,
    spec: {
      ...ACCOUNT,
      cueRef: { type: 'embedded', ref: 'database' },
      input: {
        replicas: 0,
        credentials: { secretName: 'credentials' },
        storage: { size: '1Gi', deletionPolicy: 'Delete' },
      },
    },
    inputs: DATABASE_INPUTS,
  },
  {
    name: 'sourced',
    weight: 3,
    spec: {
      ...ACCOUNT,
      cueRef: { type: 'configmap', ref: MODULE },
      inputFrom: [
        { kind: 'ConfigMap', name: 'defaults', key: 'shop.yaml' },
        { kind: 'ConfigMap', name: 'overrides', key: 'shop.yaml', optional: true },
      ],
      input: { limits: { cpu: '2' } },
    },
    nodes: SOURCED,
    inputs: SOURCED_INPUTS,
    objects: [
      moduleObject(moduleText(SOURCED, SOURCED_HEAD)),
      configMapObject(
        'defaults',
        { 'shop.yaml': 'colour: blue\nlimits: {cpu: "1"}\n' },
        { labels: { 'pequod.io/module': 'input' } },
      ),
    ],
  },
  { name: 'live', weight: 3, spec: inlineSpec(LIVE), nodes: LIVE },
  { name: 'governed', weight: 3, spec: inlineSpec(GOVERNED), nodes: GOVERNED },
  {
    name: 'adopting',
    weight: 3,
    spec: inlineSpec(ADOPTING, {
      adopt: {
        mode: 'Explicit',
        strategy: 'TakeOwnership',
        resources: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'old' }],
      },
    }),
    nodes: ADOPTING,
    found: [configMapObject('old', { colour: 'red', theirs: 'kept' })],
  },
  { name: 'waves', weight: 3, spec: inlineSpec(WAVES), nodes: WAVES },
];
