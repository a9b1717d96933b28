import { describe, expect, it } from 'vitest';
import type { ExportedValue, GraphNode, NodeExports } from '../../api/index.ts';
import { observe } from '../../apply/index.ts';
import { type Evaluation, expressionHash } from '../../cel/index.ts';
import { buildPlan, type PlanNode } from '../../graph/index.ts';
import { areEqualButForExports, publishExports, whyPruningIsHeld, withExports } from './exports.ts';

const HOST = 'object.status.host';
const NOW = '2026-03-01T10:00:00Z';
const LATER = '2026-03-01T11:00:00Z';

function planNode(node: Partial<GraphNode> = {}): PlanNode {
  const object = { apiVersion: 'example.com/v1', kind: 'Database', metadata: { name: 'db' } };
  const planned = buildPlan([{ id: 'db', object, exports: { host: HOST }, ...node }], { namespace: 'shop' });
  const found = planned.ok ? planned.plan.nodes[0] : undefined;
  if (found === undefined) throw new Error('no plan');
  return found;
}

function seen(
  uid: string,
  answer?: Evaluation,
  expression: string = HOST,
): Parameters<typeof publishExports>[2]['observation'] {
  const observation = observe({
    apiVersion: 'example.com/v1',
    kind: 'Database',
    metadata: { name: 'db', uid, resourceVersion: '7' },
  });
  return answer === undefined
    ? observation
    : { ...observation, answers: { [expressionHash(expression)]: answer } };
}

const value = (host: string): Evaluation => ({ type: 'value', value: host });
const missing: Evaluation = { type: 'missing', message: '1:8: no such key: status' };
const exprHash = expressionHash(HOST);
const published = (host: ExportedValue): NodeExports => ({ host });

const KNOWN = published({ value: 'db-1', exprHash, uid: 'one' });
const LOST = published({ exprHash, uid: 'one', lostAt: NOW, message: 'not there yet: x' });

describe('an export', () => {
  it('is published as soon as the object answers', () => {
    const producer = { uid: 'one', observation: seen('one', value('db-1')) };
    expect(publishExports(planNode(), undefined, producer, NOW)).toEqual(KNOWN);
  });

  it('follows the object', () => {
    const producer = { uid: 'one', observation: seen('one', value('db-2')) };
    expect(publishExports(planNode(), KNOWN, producer, NOW)).toEqual(
      published({ value: 'db-2', exprHash, uid: 'one' }),
    );
  });

  it.each([
    ['says why there is none yet', missing, 'not there yet: 1:8: no such key: status'],
    ['says what is wrong', { type: 'error', message: 'division by zero' } as const, 'division by zero'],
  ])('%s', (_, answer, message) => {
    const producer = { uid: 'one', observation: seen('one', answer) };
    expect(publishExports(planNode(), undefined, producer, NOW)).toEqual(
      published({ exprHash, uid: 'one', message }),
    );
  });

  it.each([
    ['when the field goes', seen('one', missing)],
    ['when the expression fails', seen('one', { type: 'error', message: 'division by zero' })],
    ['while the object is gone', undefined],
    ['while only a stranger of that name is there', seen('two', value('evil'))],
  ])('keeps its last value %s', (_, observation) => {
    expect(publishExports(planNode(), KNOWN, { uid: 'one', observation }, NOW)).toEqual(KNOWN);
  });

  it('is not taken from an object that is not the one we applied', () => {
    const producer = { uid: undefined, observation: seen('two', value('evil')) };
    expect(publishExports(planNode(), undefined, producer, NOW)).toBeUndefined();
    const replaced = publishExports(planNode(), undefined, { ...producer, uid: 'one' }, NOW);
    expect(replaced?.['host']?.value).toBeUndefined();
  });

  it('is lost with its object, since then, until the new one answers', () => {
    const lost = publishExports(planNode(), KNOWN, { uid: 'two', observation: seen('two', missing) }, NOW);
    expect(lost).toEqual(
      published({ exprHash, uid: 'one', lostAt: NOW, message: 'not there yet: 1:8: no such key: status' }),
    );
    const still = publishExports(planNode(), lost, { uid: 'two', observation: seen('two', missing) }, LATER);
    expect(still).toEqual(lost);
    const again = publishExports(
      planNode(),
      still,
      { uid: 'two', observation: seen('two', value('b')) },
      LATER,
    );
    expect(again).toEqual(published({ value: 'b', exprHash, uid: 'two' }));
  });

  it('stays lost when its object is replaced once more', () => {
    expect(publishExports(planNode(), LOST, { uid: 'three', observation: undefined }, LATER)).toMatchObject({
      host: { uid: 'one', lostAt: NOW },
    });
  });

  describe('with another expression', () => {
    const address = 'object.status.address';
    const other = planNode({ exports: { host: address } });
    const exprHashes = { exprHash: expressionHash(address), uid: 'one' };

    it('is lost until that is answered', () => {
      const producer = { uid: 'one', observation: seen('one') };
      expect(publishExports(other, KNOWN, producer, NOW)).toEqual(
        published({ ...exprHashes, lostAt: NOW, message: 'the object has not been seen yet' }),
      );
      expect(publishExports(other, LOST, producer, LATER)?.['host']?.lostAt).toBe(NOW);
      const observation = seen('one', value('b'), address);
      expect(publishExports(other, KNOWN, { uid: 'one', observation }, NOW)).toEqual(
        published({ ...exprHashes, value: 'b' }),
      );
    });

    it('starts afresh where there never was a value', () => {
      const before = published({ exprHash, uid: 'one', message: 'not there yet' });
      const producer = { uid: 'one', observation: seen('one') };
      expect(publishExports(other, before, producer, NOW)).toBeUndefined();
    });
  });

  it('is not spoken of before the object was asked', () => {
    const producer = { uid: 'one', observation: seen('one') };
    expect(publishExports(planNode(), undefined, producer, NOW)).toBeUndefined();
  });

  it('goes with its declaration', () => {
    expect(
      publishExports(planNode({ exports: {} }), KNOWN, { uid: 'one', observation: undefined }, NOW),
    ).toBe(undefined);
  });

  it('stays as it is while the node is pending', () => {
    const { object: _object, ...pending } = { ...planNode().node, waitsFor: ['observed.net.zone'] };
    const planned = buildPlan([pending], { namespace: 'shop' });
    const node = planned.ok ? planned.plan.nodes[0] : undefined;
    if (node === undefined) throw new Error('no plan');
    expect(publishExports(node, KNOWN, { uid: undefined, observation: undefined }, NOW)).toEqual(KNOWN);
    expect(publishExports(node, LOST, { uid: undefined, observation: undefined }, NOW)).toEqual(LOST);
  });
});

describe('pruning', () => {
  const plan = { nodes: [planNode()] };
  const applied = (): boolean => true;

  it('is held while the object was not asked for a value', () => {
    const unseen = 'observed.db.host has not been seen yet';
    expect(whyPruningIsHeld(plan, { db: { phase: 'Ready' } }, applied)).toBe(unseen);
    const old = published({ value: 'a', exprHash: 'old', uid: 'one' });
    expect(whyPruningIsHeld(plan, { db: { phase: 'Ready', exports: old } }, applied)).toBe(unseen);
    expect(whyPruningIsHeld(plan, { db: { phase: 'Pending' } }, () => false)).toBeUndefined();
  });

  it('is held while a value is lost', () => {
    expect(whyPruningIsHeld(plan, { db: { phase: 'Ready', exports: LOST } }, applied)).toBe(
      `observed.db.host is lost since ${NOW}: not there yet: x`,
    );
  });

  it('is not held by a value that was never there', () => {
    const exports = published({ exprHash, uid: 'one', message: 'not there yet' });
    expect(whyPruningIsHeld(plan, { db: { phase: 'Ready', exports } }, applied)).toBeUndefined();
    expect(whyPruningIsHeld(plan, { db: { phase: 'Ready', exports: KNOWN } }, applied)).toBeUndefined();
  });

  it('is held while a node waits for a value', () => {
    const planned = buildPlan([{ id: 'web', waitsFor: ['observed.db.host'] }], { namespace: 'shop' });
    if (!planned.ok) throw new Error('no plan');
    expect(whyPruningIsHeld(planned.plan, {}, applied)).toBe('node web waits for observed.db.host');
  });
});

it('exports replace what a status carried, and are told apart from the rest', () => {
  const before = { db: { phase: 'Ready', readyAt: NOW, exports: KNOWN } } as const;
  const after = withExports(before, () => published({ value: 'db-2', exprHash, uid: 'one' }));
  expect(after['db']).toMatchObject({ phase: 'Ready', exports: { host: { value: 'db-2' } } });
  expect(areEqualButForExports(before, after)).toBe(true);
  expect(areEqualButForExports({ db: { phase: 'Applied' } }, after)).toBe(false);
  expect(withExports(before, () => undefined)).toEqual({ db: { phase: 'Ready', readyAt: NOW } });
});
