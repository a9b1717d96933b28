import { expect, it } from 'vitest';
import type { InventoryItem, ResourceGraph } from '../../api/index.ts';
import type { ObjectRemover, RemovalResult } from '../../apply/index.ts';
import { ApiError, CONFIG_MAPS } from '../../kube/index.ts';
import { Ledger } from './ledger.ts';
import { type RemovalRun, removalHeldMs, removeEntries } from './removal-wave.ts';
import { GraphSession } from './session.ts';

const START_MS = Date.parse('2026-01-01T00:00:00Z');

function item(name: string, more: Partial<InventoryItem> = {}): InventoryItem {
  const identity = { group: '', version: 'v1', kind: 'ConfigMap', namespace: 'shop', name };
  return { nodeId: name, ...identity, origin: 'Created', deletion: 'Delete', wave: 0, ...more };
}

function graph(items: readonly InventoryItem[]): ResourceGraph {
  return {
    apiVersion: 'platform.pequod.io/v1alpha1',
    kind: 'ResourceGraph',
    metadata: { name: 'web', namespace: 'shop', uid: 'g' },
    spec: {
      sourceRef: { kind: 'Transform', name: 'web', uid: 't' },
      metadata: { platformRef: 'inline', renderHash: 'h', renderedAt: '2026-01-01T00:00:00Z', digest: 'd' },
      nodes: [],
      serviceAccountName: 'default',
      deletionPolicy: 'Delete',
    },
    status: { inventory: { graphUID: 'g', items } },
  };
}

/** A process that starts at `START_MS` and finds this inventory; `remove` is what the API server answers. */
function process(items: readonly InventoryItem[], remove: ObjectRemover['remove']) {
  let nowMs = START_MS;
  const now = (): number => nowMs;
  const ledger = new Ledger({ graphUID: 'g', items });
  const session = new GraphSession(graph(items), now);
  const run: RemovalRun = {
    ...{ key: { namespace: 'shop', name: 'web' }, ledger, session, now, isFinal: true },
    remover: { remove },
    children: { observation: () => undefined },
    mapper: { namespacedKinds: async () => [] },
    resourceOf: async () => CONFIG_MAPS,
    isKindGone: async () => false,
    isOrphaned: () => false,
  };
  const pass = () => removeEntries(run, ledger.items(), new AbortController().signal);
  const advance = (ms: number): void => {
    nowMs += ms;
  };
  return { ledger, session, pass, advance };
}

it('keeps an entry whose creation may still land, and removes the object that lands late', async () => {
  let answer: RemovalResult = 'gone';
  const { ledger, pass, advance } = process([item('late')], async () => answer);
  const first = await pass();
  expect(first.left).toEqual([]);
  expect(first.waiting).toMatchObject([{ message: expect.stringContaining('may still create it') }]);
  expect(first.landsByMs).toBe(START_MS + 5_000);
  // It has landed: it is deleted, and gone at the next look.
  answer = 'pending';
  advance(4_000);
  expect((await pass()).waiting).toHaveLength(1);
  expect(ledger.items()).toHaveLength(1);
  answer = 'gone';
  advance(1_000);
  expect((await pass()).left).toHaveLength(1);
  expect(ledger.items()).toEqual([]);
});

it('lets an entry go only when a repair from before the restart can not make its object anew', async () => {
  const { ledger, pass, advance } = process([item('known', { uid: 'u', sent: 's' })], async () => 'gone');
  expect((await pass()).left).toEqual([]);
  advance(5_000);
  expect((await pass()).left).toHaveLength(1);
  expect(ledger.items()).toEqual([]);
});

it('keeps an entry whose repair may have landed without an answer', async () => {
  const known = item('known', { uid: 'u' });
  const { session, pass, advance } = process([known], async () => 'gone');
  advance(60_000);
  session.suspect(known);
  expect((await pass()).left).toEqual([]);
  advance(35_000);
  expect((await pass()).left).toHaveLength(1);
});

it.each(['released', 'abandoned'] as const)(
  'looks again after a restart at what is %s: an update from before may land on it',
  async (result) => {
    const found = item('found', { uid: 'u', origin: 'Found' });
    const answers: RemovalResult[] = [];
    const { ledger, pass, advance } = process([found], async () => answers.shift() ?? result);
    const first = await pass();
    expect(first.left).toEqual([]);
    expect(first.waiting).toMatchObject([{ message: expect.stringContaining('may still reach it') }]);
    expect(first.landsByMs).toBe(START_MS + 5_000);
    // It has landed: the object is let go once more.
    answers.push('released');
    advance(5_000);
    expect((await pass()).left).toMatchObject([{ result: 'released' }]);
    expect(ledger.items()).toEqual([]);
  },
);

it('lets go at once what no process before this one can have written to', async () => {
  const entry = item('new', { uid: 'u', sent: 's' });
  const { ledger, session, pass } = process([], async () => 'released');
  ledger.set(entry);
  expect((await pass()).left).toHaveLength(1);
  // An update of this very process that was not answered counts the same.
  ledger.set(entry);
  session.suspect(entry);
  expect((await pass()).left).toEqual([]);
});

it('goes on with the others where one fails, and names what stays', async () => {
  const hold = { reason: 'Protected', message: 'is protected' } as const;
  const items = [item('held'), item('gone', { uid: 'u' }), item('broken')];
  const { ledger, pass, advance } = process(items, async ({ entry }) => {
    if (entry.name === 'broken') throw new Error('no');
    return entry.name === 'held' ? hold : 'gone';
  });
  advance(5_000);
  const report = await pass();
  expect(report.held).toMatchObject([{ item: { name: 'held' }, hold }]);
  expect(report.failed).toMatchObject([{ item: { name: 'broken' } }]);
  expect(ledger.items().map(({ name }) => name)).toEqual(['held', 'broken']);
});

it('is held where the API server wants all that is left to wait, and nothing else is under way', async () => {
  const refusal = (retryAfterMs?: number): ApiError =>
    new ApiError('not sent', {
      ...{ code: 'API_TOO_MANY_REQUESTS', reason: 'TooManyRequests', retry: 'backoff', retryAfterMs },
      ...{ statusCode: 429, statusReason: '', statusMessage: '', isJsonStatus: true },
      details: { name: '', group: '', kind: '', causes: [] },
      route: { verb: 'delete', resource: 'configmaps' },
    });
  const heldMs = async (answers: Readonly<Record<string, RemovalResult | ApiError>>) => {
    const items = Object.keys(answers).map((name) => item(name));
    const { pass } = process(items, async ({ entry }) => {
      const answer = answers[entry.name] ?? 'gone';
      if (answer instanceof ApiError) throw answer;
      return answer;
    });
    return removalHeldMs(await pass());
  };
  expect(await heldMs({ a: refusal(8_000), b: refusal(5_000) })).toBe(5_000);
  expect(await heldMs({ a: refusal(8_000), b: refusal() })).toBeUndefined();
  expect(await heldMs({ a: refusal(8_000), b: 'pending' })).toBeUndefined();
  expect(await heldMs({ a: 'again' })).toBeUndefined();
});

it('names what is in the way in the order of the entries, whoever answers first: a status that alternates is written again and again', async () => {
  const turns = new Map([['a', Promise.withResolvers<void>()]]);
  const { pass } = process([item('a'), item('b')], async ({ entry }) => {
    await turns.get(entry.name)?.promise;
    if (entry.name === 'b') turns.get('a')?.resolve();
    return 'pending';
  });
  expect((await pass()).waiting.map((each) => each.item.name)).toEqual(['a', 'b']);
});
