// Whatever is stored as a Transform, the process goes on and everybody else is served. What the schema would refuse is
// written while the CRD has none, as an older or a later version of it might have left it behind.
import { readFile } from 'node:fs/promises';
import { afterAll, expect } from 'vitest';
import { parse, stringify } from 'yaml';
import { API_VERSION } from '../src/api/index.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../src/json/index.ts';
import {
  cluster,
  configMap,
  inline,
  member,
  type Space,
  story,
  until,
  useOperator,
} from './support/index.ts';

const running = useOperator();

const CRD = 'crds/platform.pequod.io_transforms.yaml';
const GOOD = { cueRef: { type: 'inline', ref: 'package x\n\ngraph: nodes: {}\n' } };
const ANYTHING = { 'x-kubernetes-preserve-unknown-fields': true };

/** Specs that no schema of ours lets through, and what comes of the rest of the object. */
const BAD_SPECS: { readonly [name: string]: JsonObject } = {
  'no-spec': {},
  'spec-null': { spec: null },
  'spec-number': { spec: 42 },
  'spec-list': { spec: [1, 2] },
  'spec-text': { spec: 'x' },
  'no-ref': { spec: { cueRef: { type: 'inline' } } },
  'ref-null': { spec: { cueRef: null } },
  'ref-number': { spec: { cueRef: { type: 'inline', ref: 7 } } },
  'type-unknown': { spec: { cueRef: { type: 'oci', ref: 'example.org/module' } } },
  'type-object': { spec: { cueRef: { type: {}, ref: 'x' } } },
  'path-escapes': { spec: { cueRef: { type: 'embedded', ref: 'webservice', path: '../../../etc' } } },
  'input-list': { spec: { ...GOOD, input: [1] } },
  'input-text': { spec: { ...GOOD, input: 'x' } },
  'account-number': { spec: { ...GOOD, serviceAccountName: 5 } },
  'account-colon': { spec: { ...GOOD, serviceAccountName: 'a:b' } },
  'policy-unknown': { spec: { ...GOOD, deletionPolicy: 'Maybe' } },
  'interval-text': { spec: { ...GOOD, interval: 'yesterday' } },
  'status-text': { spec: GOOD, status: 'broken' },
  'status-list': { spec: GOOD, status: [null] },
  'conditions-text': { spec: GOOD, status: { conditions: 'x', nodes: 3, violations: {} } },
  'conditions-odd': { spec: GOOD, status: { conditions: [null, 4, { type: 7 }], observedGeneration: 'one' } },
};

/** What the schema allows, and nobody would expect. */
const ODD_SPECS: { readonly [name: string]: JsonObject } = {
  'empty-graph': GOOD,
  'no-package': { cueRef: { type: 'inline', ref: 'graph: nodes: a: object: 1' } },
  'not-cue': { cueRef: { type: 'inline', ref: '\u0000\u0001{{{{' } },
  'long-comment': {
    cueRef: { type: 'inline', ref: `package x\n// ${'x'.repeat(200_000)}\ngraph: nodes: {}\n` },
  },
  'nodes-list-of-text': { cueRef: { type: 'inline', ref: 'package x\ngraph: nodes: ["a", "b"]' } },
  'node-without-object': { cueRef: { type: 'inline', ref: 'package x\ngraph: nodes: a: {}' } },
  'object-without-name': inline({ a: { object: { apiVersion: 'v1', kind: 'ConfigMap' } } }),
  'object-with-status': inline({ a: { object: { ...configMap('with-status').object, status: { x: 1 } } } }),
  'object-with-owner': inline({
    a: {
      object: {
        ...configMap('with-owner').object,
        metadata: {
          name: 'with-owner',
          uid: 'no',
          resourceVersion: 'no',
          managedFields: [],
          finalizers: ['a b'],
        },
      },
    },
  }),
  'odd-names': inline({ a: configMap('../../secrets'), b: configMap('UPPER'), c: configMap('') }),
  'odd-kind': inline({ a: { object: { apiVersion: 'a/b/c', kind: 'No Kind', metadata: { name: 'x' } } } }),
  'unknown-config-map': { cueRef: { type: 'configmap', ref: 'nowhere' } },
  'unknown-type': { cueRef: { type: 'embedded', ref: 'no-such-type' } },
  'escaping-type': { cueRef: { type: 'embedded', ref: '../policy' } },
  'no-such-folder': { ...GOOD, cueRef: { ...GOOD.cueRef, path: 'a/b/c' } },
  'odd-keys': { ...GOOD, input: { __proto__x: 1, constructor: { prototype: 1 }, '': { '': '\u{1F600}' } } },
  'deep-input': { ...GOOD, input: nested(150) },
  'impossible-account': { ...inline({ a: configMap('impossible') }), serviceAccountName: 'a'.repeat(250) },
};

function nested(depth: number): JsonObject {
  return depth === 0 ? { end: true } : { in: nested(depth - 1) };
}

/** The CRD without a schema and without a status of its own. */
async function schemaless(): Promise<string> {
  const crd: unknown = parse(await readFile(CRD, 'utf8'));
  if (!isJsonObject(crd)) throw new Error('the CRD is no object');
  const versions = member(crd, 'spec', 'versions');
  const open = (isJsonArray(versions) ? versions : []).map((version): JsonValue => {
    if (!isJsonObject(version)) return version;
    const {
      subresources: _subresources,
      selectableFields: _selectableFields,
      additionalPrinterColumns: _columns,
      ...rest
    } = version;
    const properties = { spec: ANYTHING, status: ANYTHING };
    return { ...rest, schema: { openAPIV3Schema: { type: 'object', ...ANYTHING, properties } } };
  });
  const spec = member(crd, 'spec');
  return stringify({ ...crd, spec: { ...(isJsonObject(spec) ? spec : {}), versions: open } });
}

async function createAll(space: Space, objects: readonly JsonObject[]): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  await space.kubectl(['create', '--validate=false', '-f', '-'], JSON.stringify(list));
}

/** Whether the API server takes a Transform that is none. */
async function takesAnything(space: Space): Promise<boolean> {
  const probe = JSON.stringify(objectsOf({ probe: { spec: 42 } })[0]);
  return await space.kubectl(['create', '--dry-run=server', '--validate=false', '-f', '-'], probe).then(
    () => true,
    () => false,
  );
}

function objectsOf(bodies: { readonly [name: string]: JsonObject }): readonly JsonObject[] {
  return Object.entries(bodies).map(([name, body]) => ({
    apiVersion: API_VERSION,
    kind: 'Transform',
    metadata: { name },
    ...body,
  }));
}

async function expectAlive(space: Space, pid: number): Promise<void> {
  const { operator } = running;
  await space.transform('good', inline({ good: configMap('good') }));
  await space.untilReady('good');
  expect(operator.isRunning).toBe(true);
  expect(operator.pid).toBe(pid);
  expect(operator.log).not.toContain('"level":"fatal"');
  expect(operator.log).not.toContain('failed unexpectedly');
}

async function reasonOf(space: Space, name: string): Promise<string | undefined> {
  const conditions = member(await space.get('Transform', name), 'status', 'conditions');
  const ready = isJsonArray(conditions)
    ? conditions.find((one) => member(one, 'type') === 'Ready')
    : undefined;
  const reason = member(ready, 'reason');
  return typeof reason === 'string' ? reason : undefined;
}

afterAll(async () => {
  await cluster.kubectl(['replace', '-f', CRD]);
});

story(
  'Transforms that no schema lets through end nothing, are told so where they can be, and can be deleted',
  async ({ space }) => {
    const { pid } = running.operator;
    await cluster.kubectl(['replace', '-f', '-'], await schemaless());
    await until(
      'the schema is gone',
      () => takesAnything(space),
      (isGone) => isGone,
    );
    await createAll(space, objectsOf(BAD_SPECS));
    await cluster.kubectl(['replace', '-f', CRD]);
    await until(
      'the schema is back',
      () => takesAnything(space),
      (isGone) => !isGone,
    );
    await expectAlive(space, pid);
    for (const name of [
      'no-ref',
      'type-unknown',
      'input-list',
      'policy-unknown',
      'account-number',
      'path-escapes',
    ]) {
      await until(
        `${name} is told`,
        () => reasonOf(space, name),
        (reason) => reason === 'InvalidSpec',
      );
    }
    await space.kubectl(['delete', 'transform', ...Object.keys(BAD_SPECS), '--timeout=60s']);
    await expectAlive(space, pid);
  },
);

story(
  'Transforms that nobody would expect end nothing, each is told what is wrong, and can be deleted',
  async ({ space }) => {
    const { pid } = running.operator;
    const bodies = Object.fromEntries(
      Object.entries(ODD_SPECS).map(([name, spec]) => [
        name,
        { spec: { serviceAccountName: 'deployer', ...spec } },
      ]),
    );
    await createAll(space, objectsOf(bodies));
    await expectAlive(space, pid);
    for (const name of Object.keys(ODD_SPECS)) {
      await until(
        `${name} has an outcome`,
        () => reasonOf(space, name),
        (reason) => reason !== undefined && reason !== 'Progressing',
      );
    }
    expect(await space.names('Secret')).toEqual([]);
    expect(
      (await space.names('ConfigMap')).filter((name) => name !== 'good' && !name.startsWith('with-')),
    ).toEqual([]);
    await space.kubectl(['delete', 'transform', '--all', '--timeout=60s']);
    await expectAlive(space, pid);
  },
);
