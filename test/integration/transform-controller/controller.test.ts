import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { getPointer, isJsonObject, type JsonObject } from '../../../src/json/index.ts';
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
  statusOf,
} from './harness.ts';

let harness: Harness;
const runs: Run[] = [];

beforeAll(async () => {
  harness = await createHarness();
});

afterEach(async () => {
  for (const run of runs.splice(0)) await run.stop();
  await harness.clear();
});

afterAll(async () => {
  await harness.close();
});

async function run(options?: Parameters<Harness['run']>[0]): Promise<Run> {
  const started = await harness.run(options);
  runs.push(started);
  return started;
}

function inline(names: readonly string[], more: JsonObject = {}): JsonObject {
  return { cueRef: { type: 'inline', ref: MODULE }, input: { names, ...more } };
}

function specOf(graph: { readonly [key: string]: unknown } | undefined): JsonObject {
  const spec = graph?.['spec'];
  return isJsonObject(spec) ? spec : {};
}

/** Executes the graph; the last run's clock goes on where an earlier write of the status has to be a second ago. */
async function becomesReady(name: string): Promise<void> {
  await eventually(async () => {
    await harness.settleGraph(name, true);
    runs.at(-1)?.advance(1000);
    expect(conditionOf(await harness.transform(name), 'Ready')).toBe('True Ready');
  });
}

describe('a new Transform', () => {
  it('has its graph after two calls and its status after one more', async () => {
    const { calls, renders } = await run();
    const created = await harness.createTransform('fresh', inline(['one', 'two']));
    const graph = await eventually(async () => required(await harness.graph('fresh')));
    expect(calls).toEqual([
      'jsonPatch transforms.platform.pequod.io',
      'create resourcegraphs.platform.pequod.io',
    ]);
    expect(graph.metadata.finalizers).toEqual(['pequod.io/resourcegraph-finalizer']);
    expect(graph.metadata.ownerReferences).toMatchObject([
      {
        kind: 'Transform',
        name: 'fresh',
        uid: created.metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    expect(graph.metadata.labels?.['applyset.kubernetes.io/id']).toMatch(/^applyset-.{43}-v1$/);
    expect(graph.metadata.annotations).toMatchObject({
      'applyset.kubernetes.io/contains-group-kinds': 'ConfigMap',
      'applyset.kubernetes.io/tooling': 'pequod/v0.1',
    });
    await harness.settleGraph('fresh', true);
    await eventually(() => expect(calls.slice(2)).toEqual(['jsonPatch transforms.platform.pequod.io']));
    expect(renders).toEqual(['fresh']);
    const transform = await harness.transform('fresh');
    expect(conditionOf(transform, 'Ready')).toBe('True Ready');
    expect(transform?.metadata.finalizers).toEqual(['pequod.io/transform-finalizer']);
    expect(statusOf(transform)).toMatchObject({
      observedGeneration: 1,
      resourceGraphRef: { name: 'fresh', uid: graph.metadata.uid },
      applied: { renderHash: getPointer(graph, '/spec/metadata/renderHash') },
      nodes: { config: { phase: 'Ready' } },
    });
    for (const type of ['Fetched', 'Validated', 'Rendered']) {
      expect(conditionOf(transform, type)).toMatch(/^True /);
    }
    for (const type of ['Reconciling', 'Stalled']) expect(conditionOf(transform, type)).toBeUndefined();
  });

  it('shows progress when a second has passed, with what blocks it', async () => {
    const { calls, advance } = await run();
    await harness.createTransform('slow', inline(['one']));
    await harness.settleGraph('slow', false, 'node one: ConfigMap is not there');
    await eventually(() => expect(calls).toHaveLength(2));
    expect(statusOf(await harness.transform('slow'))['conditions']).toBeUndefined();
    await eventually(async () => {
      advance(1000);
      const transform = await harness.transform('slow');
      expect(conditionOf(transform, 'Ready')).toBe('False Progressing');
      expect(conditionOf(transform, 'Reconciling')).toBe('True Progressing');
      expect(statusOf(transform)['blockedBy']).toBe('node one: ConfigMap is not there');
    });
  });

  it('gets no graph and all violations when the input is invalid', async () => {
    const { renders } = await run();
    await harness.createTransform('invalid', inline(['One', 'tWo'], { size: 11 }));
    const transform = await eventually(async () => {
      const found = await harness.transform('invalid');
      expect(conditionOf(found, 'Validated')).toBe('False InputInvalid');
      return found;
    });
    const violations = statusOf(transform)['violations'];
    expect(violations).toMatchObject([{ severity: 'Error' }, { severity: 'Error' }, { severity: 'Error' }]);
    expect(conditionOf(transform, 'Stalled')).toBe('True InputInvalid');
    expect(messageOf(transform, 'Ready')).toMatch(/; nothing was created$/);
    expect(await harness.graph('invalid')).toBeUndefined();
    await harness.patchTransform('invalid', { metadata: { labels: { touched: 'yes' } } });
    await harness.patchTransform('invalid', { spec: { input: { names: ['one'], size: 2 } } });
    await becomesReady('invalid');
    expect(renders).toEqual(['invalid', 'invalid']);
    expect(statusOf(await harness.transform('invalid'))['violations']).toBeUndefined();
  });

  it('is told where a syntax error is', async () => {
    await run();
    await harness.createTransform('syntax', { cueRef: { type: 'inline', ref: 'graph: {\n  nodes: ]\n}' } });
    await eventually(async () => {
      const transform = await harness.transform('syntax');
      expect(conditionOf(transform, 'Validated')).toBe('False ModuleInvalid');
      expect(statusOf(transform)['violations']).toMatchObject([{ position: 'inline.cue:2:10' }]);
    });
  });

  it('is refused when its graph is too large, and rendered once for that', async () => {
    const { renders } = await run({ limits: { maxNodes: 1, maxSpecBytes: 100_000 } });
    await harness.createTransform('large', inline(['one', 'two']));
    await eventually(async () => {
      expect(conditionOf(await harness.transform('large'), 'Rendered')).toBe('False GraphTooLarge');
    });
    await harness.patchTransform('large', { metadata: { labels: { touched: 'yes' } } });
    await harness.patchTransform('large', { spec: inline(['one']) });
    await becomesReady('large');
    expect(renders).toEqual(['large', 'large']);
    expect(statusOf(await harness.transform('large'))['violations']).toMatchObject([
      { severity: 'Warning', message: 'the graph has 1 nodes, at most 1 are taken' },
    ]);
  });
});

describe('a Transform that runs', () => {
  it('costs nothing after a restart', async () => {
    const first = await run();
    await harness.createTransform('settled', inline(['one']));
    await becomesReady('settled');
    await first.stop();
    const second = await run();
    await harness.createTransform('marker', inline(['One']));
    await eventually(async () => {
      expect(conditionOf(await harness.transform('marker'), 'Validated')).toBe('False InputInvalid');
      expect(second.controller.isIdle()).toBe(true);
      expect(second.calls).toHaveLength(2);
    });
    expect(second.renders).toEqual(['marker']);
  });

  it('keeps its last good graph, but for the policies, while the input is wrong', async () => {
    await run();
    await harness.createTransform('broken', inline(['one']));
    await becomesReady('broken');
    const before = specOf(await harness.graph('broken'));
    await harness.patchTransform('broken', { spec: { input: { names: ['ONE'] }, deletionPolicy: 'Orphan' } });
    await eventually(async () => {
      const transform = await harness.transform('broken');
      expect(messageOf(transform, 'Ready')).toMatch(/; the last good graph keeps running$/);
      expect(statusOf(transform)['nodes']).toEqual({ config: { phase: 'Ready' } });
    });
    expect(specOf(await harness.graph('broken'))).toEqual({ ...before, deletionPolicy: 'Orphan' });
  });

  it('gets an edited graph back, and one that was deleted', async () => {
    await run();
    await harness.createTransform('tampered', inline(['one']));
    await becomesReady('tampered');
    const { nodes } = specOf(await harness.graph('tampered'));
    const key = { namespace: harness.namespace, name: 'tampered' };
    const patch = { spec: { nodes: [] } };
    const edited = await harness.admin.mergePatch(RESOURCE_GRAPHS, key, patch, {}, AbortSignal.timeout(5000));
    await eventually(async () => expect(specOf(await harness.graph('tampered'))['nodes']).toEqual(nodes));
    const background = { propagationPolicy: 'Background' } as const;
    await harness.admin.delete(RESOURCE_GRAPHS, key, background, AbortSignal.timeout(5000));
    await harness.releaseGraph('tampered');
    await eventually(async () => {
      const graph = required(await harness.graph('tampered'));
      expect(graph.metadata.uid).not.toBe(edited.metadata.uid);
      expect(specOf(graph)['nodes']).toEqual(nodes);
    });
  });

  it('hands back the token of a reconcile that was asked for', async () => {
    const { advance } = await run();
    await harness.createTransform('asked', inline(['one']));
    await becomesReady('asked');
    await harness.patchTransform('asked', { metadata: { annotations: { 'pequod.io/reconcile': 'now-1' } } });
    await eventually(async () => {
      const { annotations } = required(await harness.graph('asked')).metadata;
      expect(annotations?.['pequod.io/reconcile']).toBe('now-1');
    });
    expect(statusOf(await harness.transform('asked'))['lastHandledReconcileAt']).toBeUndefined();
    await harness.settleGraph('asked', true);
    await eventually(async () => {
      advance(1000);
      expect(statusOf(await harness.transform('asked'))['lastHandledReconcileAt']).toBe('now-1');
    });
  });
});
