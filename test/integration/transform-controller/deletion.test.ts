import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { getPointer, type JsonObject } from '../../../src/json/index.ts';
import { RESOURCE_GRAPHS } from '../../../src/kube/index.ts';
import {
  conditionOf,
  createHarness,
  eventually,
  type Harness,
  MODULE,
  messageOf,
  type Run,
  required,
  soon,
} from './harness.ts';

let harness: Harness;
let run: Run;

beforeAll(async () => {
  harness = await createHarness();
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

const SPEC: JsonObject = { cueRef: { type: 'inline', ref: MODULE }, input: { names: ['one'] } };

async function createWithGraph(name: string, spec: JsonObject = {}): Promise<void> {
  await harness.createTransform(name, { ...SPEC, ...spec });
  await eventually(async () => required(await harness.graph(name)));
}

async function deletionPolicyOf(name: string): Promise<unknown> {
  return getPointer(required(await harness.graph(name)), '/spec/deletionPolicy');
}

async function graphTerminates(name: string): Promise<void> {
  await eventually(async () => {
    expect(required(await harness.graph(name)).metadata.deletionTimestamp).toBeDefined();
  });
}

async function isGone(name: string): Promise<void> {
  await eventually(async () => {
    expect([await harness.graph(name), await harness.transform(name)]).toEqual([undefined, undefined]);
  });
}

describe('deleting a Transform', () => {
  it('deletes the graph, waits until it is gone, and says what it waits for', async () => {
    await createWithGraph('plain');
    await harness.kubectl(['delete', 'transform', 'plain', '--wait=false']);
    await graphTerminates('plain');
    expect(await deletionPolicyOf('plain')).toBe('Delete');
    await harness.settleGraph('plain', false, 'node one: held by finalizer example.org/slow');
    await eventually(async () => {
      run.advance(1000);
      const transform = required(await harness.transform('plain'));
      expect(conditionOf(transform, 'Ready')).toBe('False Deleting');
      expect(messageOf(transform, 'Ready')).toBe('node one: held by finalizer example.org/slow');
    });
    await harness.releaseGraph('plain');
    await isGone('plain');
  });

  it('orphans the objects when kubectl is asked to', async () => {
    await createWithGraph('orphaned');
    await harness.kubectl(['delete', 'transform', 'orphaned', '--cascade=orphan', '--wait=false']);
    await graphTerminates('orphaned');
    expect(await deletionPolicyOf('orphaned')).toBe('Orphan');
    await harness.releaseGraph('orphaned');
    await isGone('orphaned');
  });

  it('orphans them too when the garbage collector was faster than the controller', async () => {
    await createWithGraph('overtaken');
    await run.stop();
    await harness.kubectl(['delete', 'transform', 'overtaken', '--cascade=orphan', '--wait=false']);
    await eventually(async () => {
      expect(required(await harness.graph('overtaken')).metadata.ownerReferences).toBeUndefined();
      expect(required(await harness.transform('overtaken')).metadata.finalizers).toEqual([
        'pequod.io/transform-finalizer',
      ]);
    });
    run = await harness.run();
    await graphTerminates('overtaken');
    expect(await deletionPolicyOf('overtaken')).toBe('Orphan');
    await harness.releaseGraph('overtaken');
    await isGone('overtaken');
  });

  it('takes over a policy that was changed while the controller was away', async () => {
    await createWithGraph('late');
    await run.stop();
    await harness.patchTransform('late', { spec: { deletionPolicy: 'Orphan' } });
    await harness.kubectl(['delete', 'transform', 'late', '--wait=false']);
    run = await harness.run();
    await graphTerminates('late');
    expect(await deletionPolicyOf('late')).toBe('Orphan');
    await harness.releaseGraph('late');
    await isGone('late');
  });

  it('needs neither module nor ServiceAccount', async () => {
    const missing = { cueRef: { type: 'configmap', ref: 'missing' }, serviceAccountName: 'nobody' };
    await harness.createTransform('helpless', missing);
    await eventually(async () => {
      const transform = await harness.transform('helpless');
      expect(conditionOf(transform, 'Fetched')).toBe('False ServiceAccountMissing');
    });
    await harness.kubectl(['delete', 'transform', 'helpless', '--wait=false']);
    await isGone('helpless');
  });

  it('leaves a graph alone that something else controls', async () => {
    const { kubectl } = harness;
    const owner = JSON.parse(await kubectl(['create', 'configmap', 'owner', '-o', 'json']));
    await createWithGraph('foreign');
    await run.stop();
    const controller = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid };
    const key = { namespace: harness.namespace, name: 'foreign' };
    const patch = { metadata: { ownerReferences: [{ ...controller, controller: true }] } };
    await harness.admin.mergePatch(RESOURCE_GRAPHS, key, patch, {}, soon());
    run = await harness.run();
    await eventually(async () => {
      run.advance(1000);
      expect(conditionOf(await harness.transform('foreign'), 'Stalled')).toBe('True GraphNotOurs');
    });
    await kubectl(['delete', 'transform', 'foreign', '--wait=true', '--timeout=20s']);
    expect(required(await harness.graph('foreign')).metadata.deletionTimestamp).toBeUndefined();
  });
});

describe('a graph that lost its owner', () => {
  it('is taken back by the Transform that lives', async () => {
    await createWithGraph('stripped');
    const key = { namespace: harness.namespace, name: 'stripped' };
    const patch = { metadata: { ownerReferences: null } };
    await harness.admin.mergePatch(RESOURCE_GRAPHS, key, patch, {}, soon());
    const { metadata } = required(await harness.transform('stripped'));
    await eventually(async () => {
      const { ownerReferences } = required(await harness.graph('stripped')).metadata;
      expect(ownerReferences).toMatchObject([{ kind: 'Transform', uid: metadata.uid, controller: true }]);
    });
  });

  it('is taken over from an earlier Transform of the same name', async () => {
    await createWithGraph('restored');
    await run.stop();
    const before = required(await harness.graph('restored'));
    await harness.patchTransform('restored', { metadata: { finalizers: null } });
    await harness.kubectl(['delete', 'transform', 'restored', '--cascade=orphan']);
    const created = await harness.createTransform('restored', SPEC);
    run = await harness.run();
    await eventually(async () => {
      const graph = required(await harness.graph('restored'));
      expect(graph.metadata.uid).toBe(before.metadata.uid);
      expect(graph.metadata.ownerReferences).toMatchObject([{ uid: created.metadata.uid }]);
      expect(getPointer(graph, '/spec/sourceRef/uid')).toBe(created.metadata.uid);
    });
  });
});
