import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { getPointer, type JsonObject } from '../../../src/json/index.ts';
import { CONFIG_MAPS } from '../../../src/kube/index.ts';
import {
  conditionOf,
  createHarness,
  eventually,
  type Harness,
  MODULE,
  type Run,
  required,
  soon,
  statusOf,
} from './harness.ts';

let harness: Harness;
let run: Run;

beforeAll(async () => {
  harness = await createHarness();
  const { kubectl } = harness;
  await kubectl(['create', 'serviceaccount', 'reader']);
  await kubectl(['create', 'role', 'reader', '--verb=get', '--resource=configmaps']);
  const binding = ['--role=reader', `--serviceaccount=${harness.namespace}:reader`];
  await kubectl(['create', 'rolebinding', 'reader', ...binding]);
});

beforeEach(async () => {
  run = await harness.run();
});

afterEach(async () => {
  await run.stop();
  await harness.clear();
});

afterAll(async () => {
  await harness.close();
});

async function putModule(name: string, source: string, labels: Record<string, string> = {}): Promise<void> {
  const { admin, namespace } = harness;
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name, labels },
    data: { 'module.cue': source },
  };
  await admin.apply(CONFIG_MAPS, object, { fieldManager: 'test', force: true }, soon());
}

function fromConfigMap(ref: string, serviceAccountName: string): JsonObject {
  return { cueRef: { type: 'configmap', ref }, serviceAccountName, input: { names: ['one'] } };
}

async function sizeIn(name: string): Promise<unknown> {
  return getPointer(required(await harness.graph(name)), '/spec/nodes/0/object/data/size');
}

const BIGGER = MODULE.replace('*1', '*2');
const READS = ['get serviceaccounts', 'get configmaps'];

describe('a module in a ConfigMap', () => {
  it('is read as the ServiceAccount of the Transform, which must be allowed to', async () => {
    await putModule('private', MODULE);
    await harness.createTransform('denied', fromConfigMap('private', 'default'));
    await eventually(async () => {
      expect(conditionOf(await harness.transform('denied'), 'Fetched')).toBe('False Forbidden');
    });
    expect(await harness.graph('denied')).toBeUndefined();
  });

  it('is noticed at once when it is labelled, and read only then', async () => {
    const labels = { 'pequod.io/module': 'true' };
    await putModule('labelled', MODULE, labels);
    await harness.createTransform('labelled', fromConfigMap('labelled', 'reader'));
    await eventually(async () => expect(await sizeIn('labelled')).toBe('1'));
    await harness.settleGraph('labelled', true);
    await eventually(async () => {
      expect(conditionOf(await harness.transform('labelled'), 'Ready')).toBe('True Ready');
    });
    expect(run.calls.filter((call) => READS.includes(call))).toEqual(READS);
    await run.stop();
    run = await harness.run();
    await eventually(() => expect(run.controller.isIdle()).toBe(true));
    expect(run.calls.filter((call) => call === 'get configmaps')).toEqual([]);
    await putModule('labelled', BIGGER, labels);
    await eventually(async () => expect(await sizeIn('labelled')).toBe('2'));
  });

  it('is looked at again after the interval when it is not labelled', async () => {
    await putModule('plain', MODULE);
    await harness.createTransform('plain', { ...fromConfigMap('plain', 'reader'), interval: '10m' });
    await eventually(async () => expect(await sizeIn('plain')).toBe('1'));
    await putModule('plain', BIGGER);
    run.advance(9 * 60_000);
    await eventually(() => expect(run.controller.isIdle()).toBe(true));
    expect(await sizeIn('plain')).toBe('1');
    run.advance(3 * 60_000);
    await eventually(async () => expect(await sizeIn('plain')).toBe('2'));
  });

  it('may go away: the last good graph stays, and stays Ready', async () => {
    await putModule('leaving', MODULE);
    await harness.createTransform('leaving', fromConfigMap('leaving', 'reader'));
    await eventually(async () => expect(await sizeIn('leaving')).toBe('1'));
    await harness.settleGraph('leaving', true);
    await eventually(async () => {
      expect(conditionOf(await harness.transform('leaving'), 'Ready')).toBe('True Ready');
    });
    await harness.kubectl(['delete', 'configmap', 'leaving']);
    run.advance(6 * 60_000);
    const transform = await eventually(async () => {
      const found = await harness.transform('leaving');
      expect(conditionOf(found, 'Fetched')).toBe('False SourceNotFound');
      return found;
    });
    expect(conditionOf(transform, 'Ready')).toBe('True Ready');
    expect(getPointer(statusOf(transform), '/resolvedCueRef/digest')).toMatch(/^sha256:/);
    expect(await sizeIn('leaving')).toBe('1');
    // A spec that was never rendered is another matter.
    await harness.patchTransform('leaving', { spec: { input: { names: ['two'] } } });
    await eventually(async () => {
      run.advance(1000);
      expect(conditionOf(await harness.transform('leaving'), 'Ready')).toBe('False SourceNotFound');
    });
  });
});
