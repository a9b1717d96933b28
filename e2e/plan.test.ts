// A Transform that is only planned: what would be done is shown, and done when it is approved by its hash.
import { expect } from 'vitest';
import { APPROVE_ANNOTATION, type PlanItem, type Transform } from '../src/api/index.ts';
import type { JsonObject } from '../src/json/index.ts';
import {
  applyDocExample,
  conditionOf,
  configMap,
  inline,
  member,
  type NodeInModule,
  type Space,
  story,
  useOperator,
} from './support/index.ts';

const operated = useOperator();

/** Waits for a plan to approve. */
async function untilPlanned(
  space: Space,
  name: string,
  isRight: (transform: Transform) => boolean = () => true,
): Promise<Transform> {
  return await space.untilTransform(
    name,
    'has a plan',
    (transform) => conditionOf(transform, 'Ready')?.reason === 'AwaitingApproval' && isRight(transform),
  );
}

function hashOf({ status }: Transform): string {
  const hash = status?.plan?.hash;
  if (hash === undefined) throw new Error('there is no plan');
  return hash;
}

function itemsOf({ status }: Transform): readonly string[] {
  return (status?.plan?.items ?? []).map(({ action, nodeId }) => `${action} ${nodeId}`).sort();
}

function itemOf({ status }: Transform, nodeId: string): PlanItem | undefined {
  return status?.plan?.items.find((item) => item.nodeId === nodeId);
}

async function approve(space: Space, name: string, hash: string): Promise<void> {
  await space.patch('Transform', name, { metadata: { annotations: { [APPROVE_ANNOTATION]: hash } } });
}

async function approvalOf(space: Space, name: string): Promise<string | undefined> {
  return (await space.get('Transform', name)).metadata.annotations?.[APPROVE_ANNOTATION];
}

const before = { kept: configMap('kept', { color: 'red' }), dropped: configMap('dropped', {}) };
const after = { kept: configMap('kept', { color: 'blue' }), added: configMap('added', {}) };

story('a change is shown and not made, until its plan is approved', async ({ space }) => {
  await space.transform('shop', inline(before));
  await space.untilReady('shop');
  await space.transform('shop', inline(after, { dryRun: true }));
  const planned = await untilPlanned(space, 'shop');
  expect(itemsOf(planned)).toEqual(['Change kept', 'Create added', 'Prune dropped']);
  expect(itemOf(planned, 'kept')?.changes).toEqual([{ path: '.data.color', from: '"red"', to: '"blue"' }]);
  expect(itemOf(planned, 'dropped')?.uid).toBe((await space.get('ConfigMap', 'dropped')).metadata.uid);
  expect(conditionOf(planned, 'Ready')?.message).toBe(
    `planned: 1 to create, 1 to change, 1 to prune; approve with ${APPROVE_ANNOTATION}: ${hashOf(planned)}`,
  );
  expect(conditionOf(planned, 'Reconciling')).toBeUndefined();
  expect(await space.names('ConfigMap')).toEqual(['dropped', 'kept']);
  expect(member(await space.get('ConfigMap', 'kept'), 'data', 'color')).toBe('red');

  // The graph that runs is still looked after, as it is.
  await space.delete('ConfigMap', 'dropped');
  const repaired = await space.untilFound('ConfigMap', 'dropped');
  const again = await untilPlanned(
    space,
    'shop',
    (transform) => itemOf(transform, 'dropped')?.uid === repaired.metadata.uid,
  );
  expect(hashOf(again)).not.toBe(hashOf(planned));

  await approve(space, 'shop', hashOf(again));
  const ready = await space.untilReady('shop');
  await space.untilGone('ConfigMap', 'dropped');
  expect(await space.names('ConfigMap')).toEqual(['added', 'kept']);
  expect(member(await space.get('ConfigMap', 'kept'), 'data', 'color')).toBe('blue');
  expect(await approvalOf(space, 'shop')).toBeUndefined();
  expect(ready.status?.plan).toBeUndefined();
  expect(conditionOf(ready, 'Ready')?.message).toContain('planned: no changes');
  expect(await space.list('ControllerRevision', 'pequod.io/candidate')).toEqual([]);
});

story('a new Transform under dryRun creates nothing but its graph', async ({ space }) => {
  await space.transform('shop', inline(after, { dryRun: true }));
  const planned = await untilPlanned(space, 'shop');
  expect(itemsOf(planned)).toEqual(['Create added', 'Create kept']);
  expect(await space.names('ConfigMap')).toEqual([]);
  expect(member(await space.get('ResourceGraph', 'shop'), 'spec', 'nodes')).toEqual([]);

  await approve(space, 'shop', 'something-else');
  const mismatch = await space.untilFailing('shop', 'ApprovalMismatch');
  expect(conditionOf(mismatch, 'Ready')?.message).toContain(hashOf(planned));
  expect(await space.names('ConfigMap')).toEqual([]);
  await approve(space, 'shop', hashOf(planned));
  await space.untilReady('shop');
  expect(await space.names('ConfigMap')).toEqual(['added', 'kept']);
});

story(
  'a new Transform under dryRun adopts when that is approved, and complains of nothing before',
  async ({ space }) => {
    await space.create('ConfigMap', 'old', { data: { color: 'red' } });
    const resources = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'old' }];
    const adopt = { mode: 'Explicit', strategy: 'TakeOwnership', resources };
    await space.transform(
      'shop',
      inline({ old: configMap('old', { color: 'blue' }) }, { dryRun: true, adopt }),
    );
    const planned = await untilPlanned(space, 'shop');
    expect(itemsOf(planned)).toEqual(['Adopt old']);
    expect(planned.status?.blockedBy).toContain(`approve with ${APPROVE_ANNOTATION}: ${hashOf(planned)}`);
    expect((await space.graphStatus('shop')).phase).not.toBe('Failed');

    await approve(space, 'shop', hashOf(planned));
    await space.untilReady('shop');
    expect(member(await space.get('ConfigMap', 'old'), 'data', 'color')).toBe('blue');
  },
);

story('taking dryRun away applies what is rendered and removes the plan', async ({ space }) => {
  await space.transform('shop', inline(before));
  await space.untilReady('shop');
  await space.transform('shop', inline(after, { dryRun: true }));
  await untilPlanned(space, 'shop');
  await space.transform('shop', inline(after));
  const ready = await space.untilReady('shop');
  expect(ready.status?.plan).toBeUndefined();
  await space.untilGone('ConfigMap', 'dropped');
  expect(await space.list('ControllerRevision', 'pequod.io/candidate')).toEqual([]);
});

story('what was shown is carried out, wherever the module has moved since', async ({ space }) => {
  const module = (nodes: typeof after): string => String(member(inline(nodes), 'cueRef', 'ref'));
  // Not labelled, so that it is not watched: it is looked at by interval.
  await space.create('ConfigMap', 'module', { data: { 'module.cue': module(after) } });
  const spec = { cueRef: { type: 'configmap', ref: 'module' }, interval: '1h', dryRun: true };
  await space.transform('shop', spec);
  const planned = await untilPlanned(space, 'shop');
  const moved = { kept: configMap('kept', { color: 'green' }), added: configMap('added', {}) };
  await space.patch('ConfigMap', 'module', { data: { 'module.cue': module(moved) } });
  await approve(space, 'shop', hashOf(planned));
  await space.untilReady('shop');
  expect(member(await space.get('ConfigMap', 'kept'), 'data', 'color')).toBe('blue');
  await space.patch('Transform', 'shop', { metadata: { annotations: { 'pequod.io/reconcile': 'now' } } });
  const next = await untilPlanned(space, 'shop');
  expect(itemOf(next, 'kept')?.changes).toEqual([{ path: '.data.color', from: '"blue"', to: '"green"' }]);
});

story('an object that was replaced since the plan was made is not pruned', async ({ space }) => {
  await space.transform('shop', inline(before));
  await space.untilReady('shop');
  await space.transform('shop', inline(after, { dryRun: true }));
  const planned = await untilPlanned(space, 'shop');
  await operated.operator.stop();
  await space.delete('ConfigMap', 'dropped');
  const other = await space.create('ConfigMap', 'dropped', { data: { whose: 'somebody' } });
  await approve(space, 'shop', hashOf(planned));
  await operated.operator.restart();
  const refused = await space.untilTransform('shop', 'refuses the approval', (transform) => {
    const { reason = '' } = conditionOf(transform, 'Ready') ?? {};
    return reason === 'PlanOutdated' || reason === 'ApprovalMismatch';
  });
  expect(hashOf(refused)).not.toBe(hashOf(planned));
  expect(await space.names('ConfigMap')).toEqual(['dropped', 'kept']);
  expect(member(await space.get('ConfigMap', 'kept'), 'data', 'color')).toBe('red');
  expect((await space.get('ConfigMap', 'dropped')).metadata.uid).toBe(other.metadata.uid);
  await approve(space, 'shop', hashOf(refused));
  await space.untilReady('shop');
  expect(await space.names('ConfigMap')).toEqual(['added', 'dropped', 'kept']);
});

story('under dryRun Orphan holds at once, other policies when they are approved', async ({ space }) => {
  await space.transform('shop', inline(before));
  await space.untilReady('shop');
  await space.create('ServiceAccount', 'other', {});
  const changed = inline(before, { dryRun: true, deletionPolicy: 'Orphan', prunePolicy: 'AfterReady' });
  await space.transform('shop', changed);
  const planned = await untilPlanned(space, 'shop');
  const graph = await space.get('ResourceGraph', 'shop');
  expect(member(graph, 'spec', 'deletionPolicy')).toBe('Orphan');
  expect(member(graph, 'spec', 'prunePolicy')).toBeUndefined();
  await approve(space, 'shop', hashOf(planned));
  await space.untilReady('shop');
  expect(member(await space.get('ResourceGraph', 'shop'), 'spec', 'prunePolicy')).toBe('AfterReady');
});

story(
  'a plan is made with the rights of the ServiceAccount, and says which are missing',
  async ({ space }) => {
    await space.create('ServiceAccount', 'powerless', {});
    await space.transform('shop', inline(after, { dryRun: true, serviceAccountName: 'powerless' }));
    const refused = await space.untilFailing('shop', 'Forbidden');
    expect(conditionOf(refused, 'Ready')?.message).toContain('configmaps');
    expect(refused.status?.plan).toBeUndefined();
  },
);

story('what the API server refuses is in the plan', async ({ space }) => {
  const bad = {
    object: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'bad' }, spec: { ports: [] } },
  };
  const unknown = { object: { apiVersion: 'example.org/v1', kind: 'Whale', metadata: { name: 'moby' } } };
  await space.transform('shop', inline({ bad, unknown, good: configMap('good') }, { dryRun: true }));
  const planned = await untilPlanned(space, 'shop');
  expect(itemsOf(planned)).toEqual(['Create good', 'Error bad', 'Wait unknown']);
  expect(itemOf(planned, 'bad')?.message).toContain('spec.ports');
  expect(itemOf(planned, 'unknown')?.message).toContain('example.org/v1 Whale');
});

story('that a shared object will be taken over is in the plan', async ({ space }) => {
  await space.create('ConfigMap', 'kept', { data: { theirs: '1' } });
  const nodes = { kept: configMap('kept', { color: 'red' }) };
  await space.transform('shop', inline(nodes));
  await space.untilReady('shop');
  const resources = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'kept' }];
  const adopt = { mode: 'Explicit', strategy: 'TakeOwnership', resources };
  await space.transform('shop', inline(nodes, { dryRun: true, adopt }));
  const planned = await untilPlanned(space, 'shop');
  expect(itemsOf(planned)).toEqual(['Adopt kept']);
  await approve(space, 'shop', hashOf(planned));
  const adopted = await space.untilFound(
    'ConfigMap',
    'kept',
    ({ metadata }) => metadata.annotations?.['pequod.io/origin'] === 'adopted',
  );
  expect(adopted['data']).toEqual({ color: 'red', theirs: '1' });
});

story('an earlier revision is planned, too, and run when it is approved', async ({ space }) => {
  await space.transform('shop', inline(before));
  await space.untilReady('shop');
  await space.transform('shop', inline(after));
  await space.untilReady('shop');
  await space.untilGone('ConfigMap', 'dropped');
  await space.transform('shop', inline(after, { dryRun: true, rollbackTo: 1 }));
  const planned = await untilPlanned(space, 'shop');
  expect(itemsOf(planned)).toEqual(['Change kept', 'Create dropped', 'Prune added']);
  expect(await space.names('ConfigMap')).toEqual(['added', 'kept']);
  expect(member(await space.get('ConfigMap', 'kept'), 'data', 'color')).toBe('blue');

  await approve(space, 'shop', hashOf(planned));
  const ready = await space.untilReady('shop');
  expect(await space.names('ConfigMap')).toEqual(['dropped', 'kept']);
  expect(ready.status?.currentRevision).toBe(1);
  expect(ready.status?.plan).toBeUndefined();
  expect(await space.list('ControllerRevision', 'pequod.io/candidate')).toEqual([]);
});

story("that a field can't be changed is shown, and the object is made anew as shown", async ({ space }) => {
  const applyPolicy = { recreate: 'OnImmutable' };
  const fixed = (color: string): NodeInModule => {
    const { object } = configMap('fixed', { color });
    return { applyPolicy, object: { ...object, immutable: true } };
  };
  await space.transform('shop', inline({ fixed: fixed('red') }));
  await space.untilReady('shop');
  const { uid } = (await space.get('ConfigMap', 'fixed')).metadata;
  const plan = async (node: NodeInModule, action: string): Promise<Transform> => {
    await space.transform('shop', inline({ fixed: node }, { dryRun: true }));
    return await untilPlanned(space, 'shop', (each) => itemsOf(each).includes(`${action} fixed`));
  };
  const withoutPolicy = await plan({ object: fixed('blue').object }, 'Error');
  expect(itemOf(withoutPolicy, 'fixed')?.message).toContain('recreate: OnImmutable');
  // What apply would refuse to make anew is no promise of the plan either.
  const invalid = configMap('fixed', { 'no such/key': 'x' }).object;
  const refused = await plan({ applyPolicy, object: { ...invalid, immutable: true } }, 'Error');
  expect(itemOf(refused, 'fixed')?.message).toContain('no such/key');
  await space.patch('ConfigMap', 'fixed', {
    metadata: { annotations: { 'pequod.io/prune-protection': 'true' } },
  });
  const held = await plan(fixed('blue'), 'Error');
  expect(itemOf(held, 'fixed')?.message).toContain('pequod.io/prune-protection');
  await space.patch('ConfigMap', 'fixed', {
    metadata: { annotations: { 'pequod.io/prune-protection': null } },
  });
  await space.patch('Transform', 'shop', { metadata: { annotations: { 'pequod.io/reconcile': 'look' } } });
  const planned = await untilPlanned(space, 'shop', (each) => itemsOf(each).includes('Recreate fixed'));
  expect(itemOf(planned, 'fixed')).toMatchObject({ uid, message: "data can't be changed" });
  expect((await space.get('ConfigMap', 'fixed')).metadata.uid).toBe(uid);
  await approve(space, 'shop', hashOf(planned));
  await space.untilReady('shop');
  const anew = await space.get('ConfigMap', 'fixed');
  expect(anew.metadata.uid).not.toBe(uid);
  expect(anew['data']).toEqual({ color: 'blue' });
});

story('an adoption is shown with who holds the object and what goes', async ({ space }) => {
  await space.kubectl(['create', 'configmap', 'kept', '--from-literal=color=red', '--from-literal=old=1']);
  const before = await space.get('ConfigMap', 'kept');
  const kept = configMap('kept', { color: 'blue' }, { applyPolicy: { mode: 'Adopt' } });
  await space.transform('shop', inline({ kept }, { dryRun: true }));
  const planned = await untilPlanned(space, 'shop');
  expect(itemsOf(planned)).toEqual(['Adopt kept']);
  const item = itemOf(planned, 'kept');
  expect(item?.uid).toBe(before.metadata.uid);
  expect(item?.message).toBe(
    'taken over from kubectl-create (Update): .data.color; what the module does not state goes: .data.old',
  );
  expect(item?.changes).toContainEqual({ path: '.data.color', from: '"red"', to: '"blue"' });
  expect(await space.get('ConfigMap', 'kept')).toEqual(before);
  await approve(space, 'shop', hashOf(planned));
  await space.untilReady('shop');
  expect((await space.get('ConfigMap', 'kept'))['data']).toEqual({ color: 'blue' });
});

story("another Transform's object is refused in the plan as it would be", async ({ space }) => {
  await space.transform('first', inline({ kept: configMap('kept', { color: 'red' }) }));
  await space.untilReady('first');
  const mine = configMap('kept', { color: 'blue' }, { applyPolicy: { mode: 'Adopt' } });
  await space.transform('second', inline({ mine }, { dryRun: true }));
  const planned = await untilPlanned(space, 'second');
  expect(itemsOf(planned)).toEqual(['Error mine']);
  expect(itemOf(planned, 'mine')?.message).toContain(`belongs to Transform ${space.namespace}/first`);
});

story('what is only read is kept in the plan; what was ours is let go', async ({ space }) => {
  await space.create('ConfigMap', 'theirs', { data: { k: 'v' } });
  const ours = configMap('ours', { k: 'v' });
  await space.transform('shop', inline({ ours }));
  await space.untilReady('shop');
  const resources = ['ours', 'theirs', 'missing'].map((name) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name,
  }));
  const adopt = { mode: 'Explicit', strategy: 'Mirror', resources };
  const nodes = { ours, theirs: configMap('theirs'), missing: configMap('missing') };
  await space.transform('shop', inline(nodes, { dryRun: true, adopt }));
  const planned = await untilPlanned(space, 'shop');
  expect(itemsOf(planned)).toEqual(['Keep ours', 'Keep theirs', 'Wait missing']);
  expect(itemOf(planned, 'theirs')?.message).toBe('it is read and never written');
  expect(itemOf(planned, 'ours')?.message).toContain('let go');
});

story('what an edit took since is taken back, in the plan as in the apply', async ({ space }) => {
  const kept = (color: string): JsonObject => inline({ kept: configMap('kept', { color, size: 's' }) });
  // So that the edit is there when the plan is made.
  const drift = 'detect';
  await space.transform('shop', { ...kept('red'), drift });
  await space.untilReady('shop');
  await space.patch('ConfigMap', 'kept', { data: { color: 'green' } });
  await space.transform('shop', { ...kept('blue'), drift, dryRun: true });
  const isSeen = (each: Transform): boolean => itemOf(each, 'kept')?.changes?.[0]?.from === '"green"';
  const planned = await untilPlanned(space, 'shop', isSeen);
  expect(itemOf(planned, 'kept')).toMatchObject({
    action: 'Change',
    changes: [{ path: '.data.color', from: '"green"', to: '"blue"' }],
    message: 'takes fields from user',
  });
  await approve(space, 'shop', hashOf(planned));
  await space.untilReady('shop');
  expect((await space.get('ConfigMap', 'kept'))['data']).toEqual({ color: 'blue', size: 's' });
});

story('the operator is killed around an approval: it is carried out once', async ({ space }) => {
  const { operator } = operated;
  await space.transform('shop', inline(before));
  await space.untilReady('shop');
  await space.transform('shop', inline(after, { dryRun: true }));
  const planned = await untilPlanned(space, 'shop');
  await approve(space, 'shop', hashOf(planned));
  // Wherever it is by now: nothing of the approval is in memory alone.
  await operator.kill9();
  await operator.restart();
  await space.untilReady('shop');
  await space.untilGone('ConfigMap', 'dropped');
  expect(await space.names('ConfigMap')).toEqual(['added', 'kept']);
  expect(await approvalOf(space, 'shop')).toBeUndefined();
  expect((await space.readTransform('shop')).status?.plan).toBeUndefined();
});

story('no value of a Secret is in the plan, in a status or in a log', async ({ space }) => {
  const canary = (text: string): string => Buffer.from(`canary-${text}`).toString('base64');
  const object = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'login' },
    data: { password: canary('new') },
  };
  const secret = { applyPolicy: { conflictPolicy: 'Force', recreate: 'OnImmutable' }, object };
  await space.create('Secret', 'login', { data: { password: canary('old') } });
  await space.transform('shop', inline({ secret }, { dryRun: true }));
  const isHidden = async ({ status }: Transform): Promise<void> => {
    const told = [status, await space.graphStatus('shop'), operated.operator.log].map((each) =>
      JSON.stringify(each),
    );
    for (const text of ['old', 'new'].flatMap((each) => [`canary-${each}`, canary(each)]))
      for (const each of told) expect(each).not.toContain(text);
  };
  const planned = await untilPlanned(space, 'shop');
  expect(itemOf(planned, 'secret')?.changes).toContainEqual({
    path: '.data.password',
    from: '***',
    to: '***',
  });
  await isHidden(planned);

  await space.patch('Secret', 'login', { immutable: true });
  await space.patch('Transform', 'shop', { metadata: { annotations: { 'pequod.io/reconcile': 'look' } } });
  const refused = await untilPlanned(space, 'shop', (each) => itemsOf(each).includes('Error secret'));
  expect(itemOf(refused, 'secret')?.message).toContain('never deleted');
  await isHidden(refused);
});

story('the example of the page is planned', async ({ space }) => {
  await applyDocExample(space, 'plan.md', 'plan a change');
  const planned = await untilPlanned(space, 'shop');
  expect(itemsOf(planned)).toEqual(['Create config']);
  await space.kubectl(['annotate', 'transform', 'shop', `pequod.io/approve=${hashOf(planned)}`]);
  await space.untilReady('shop');
  expect(member(await space.get('ConfigMap', 'shop'), 'data', 'color')).toBe('blue');
});
