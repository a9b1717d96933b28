import { describe, expect, it } from 'vitest';
import { type InformerEvent, ObjectStore, type Version } from './object-store.ts';

interface Child {
  readonly graph: string;
  readonly hash: string;
}

const KEY = { namespace: 'shop', name: 'web' };

function version(
  resourceVersion: string,
  hash: string,
  uid: string = 'u1',
  graph: string = 'g1',
): Version<Child> {
  return { uid, resourceVersion, value: { graph, hash } };
}

function storeOf(isEqual?: (a: Child, b: Child) => boolean): ObjectStore<Child> {
  return new ObjectStore<Child>({ indexes: { graph: (child) => [child.graph] }, isEqual });
}

function summary(events: readonly InformerEvent<Child>[]): readonly string[] {
  return events.map((event) =>
    event.type === 'set'
      ? `set ${event.previous?.hash ?? '-'}>${event.current.hash}${event.isOwnEcho ? ' echo' : ''}`
      : `deleted ${event.previous.hash}`,
  );
}

describe('the store', () => {
  it('announces what is new, what changed and what is gone, once each', () => {
    const store = storeOf();
    expect(summary(store.set(KEY, version('1', 'a')))).toEqual(['set ->a']);
    expect(summary(store.set(KEY, version('1', 'a')))).toEqual([]);
    expect(summary(store.set(KEY, version('2', 'b')))).toEqual(['set a>b']);
    expect(summary(store.delete(KEY, 'u1', '3'))).toEqual(['deleted b']);
    expect(summary(store.delete(KEY, 'u1', '3'))).toEqual([]);
    expect(store.values()).toEqual([]);
  });

  it('announces an object that was replaced as a deletion and a new one', () => {
    const store = storeOf();
    store.set(KEY, version('1', 'a'));
    expect(summary(store.set(KEY, version('5', 'b', 'u2')))).toEqual(['deleted a', 'set ->b']);
  });

  it('says of a write of our own whether the watch has yet to bring it', () => {
    const store = storeOf();
    expect(store.observeOwnWrite(KEY, version('1', 'mine'), 0)).toBe(true);
    store.set(KEY, version('1', 'mine'));
    expect(store.observeOwnWrite(KEY, version('1', 'mine'), 0)).toBe(false);
    store.set(KEY, version('2', 'theirs'));
    expect(store.observeOwnWrite(KEY, version('1', 'mine'), 0)).toBe(false);
  });

  it('tells nobody of changes that concern nobody', () => {
    const store = storeOf((a, b) => a.hash === b.hash);
    store.set(KEY, version('1', 'a'));
    expect(summary(store.set(KEY, version('2', 'a')))).toEqual([]);
    expect(summary(store.set(KEY, version('3', 'b')))).toEqual(['set a>b']);
  });

  it('says of what it announces whether a list told of it', () => {
    const store = storeOf();
    const fromList = (events: readonly InformerEvent<Child>[]): readonly boolean[] =>
      events.map(({ isFromList }) => isFromList);
    store.beginList();
    expect(fromList(store.set(KEY, version('1', 'a')))).toEqual([true]);
    expect(fromList(store.endList(() => false))).toEqual([true]);
    expect(fromList(store.set(KEY, version('2', 'b', 'u2')))).toEqual([false]);
    expect(fromList(store.set(KEY, version('3', 'c', 'u3')))).toEqual([false, false]);
    expect(fromList(store.delete(KEY, 'u3', '4'))).toEqual([false]);
  });

  it('finds by index, also after the index value changed', () => {
    const store = storeOf();
    store.set(KEY, version('1', 'a', 'u1', 'g1'));
    store.set({ namespace: 'shop', name: 'db' }, version('2', 'b', 'u2', 'g1'));
    expect(store.byIndex('graph', 'g1').map((child) => child.hash)).toEqual(['a', 'b']);
    store.set(KEY, version('3', 'c', 'u1', 'g2'));
    expect(store.byIndex('graph', 'g1').map((child) => child.hash)).toEqual(['b']);
    expect(store.byIndex('graph', 'g2').map((child) => child.hash)).toEqual(['c']);
    store.delete(KEY, 'u1', '4');
    expect(store.byIndex('graph', 'g2')).toEqual([]);
    expect(() => store.byIndex('name', 'x')).toThrow(RangeError);
  });

  it('takes what a complete list lacks for deleted', () => {
    const store = storeOf();
    store.set(KEY, version('1', 'a'));
    store.set({ namespace: 'shop', name: 'db' }, version('2', 'b', 'u2'));
    store.beginList();
    expect(summary(store.set(KEY, version('9', 'c')))).toEqual(['set a>c']);
    expect(summary(store.endList((_namespace, name) => name === 'web'))).toEqual(['deleted b']);
    expect(store.get('shop', 'db')).toBeUndefined();
  });
});

describe('own writes', () => {
  it('are seen at once and announced with their echo', () => {
    const store = storeOf();
    store.set(KEY, version('1', 'old'));
    store.observeOwnWrite(KEY, version('3', 'mine', 'u1', 'g2'), 0);
    expect(store.get('shop', 'web')?.hash).toBe('mine');
    expect(store.byIndex('graph', 'g2')).toHaveLength(1);
    expect(store.byIndex('graph', 'g1')).toHaveLength(0);
    expect(summary(store.set(KEY, version('3', 'mine', 'u1', 'g2')))).toEqual(['set old>mine echo']);
    expect(summary(store.set(KEY, version('4', 'theirs')))).toEqual(['set mine>theirs']);
    expect(store.get('shop', 'web')?.hash).toBe('theirs');
  });

  it('hide what the watch brings from before them', () => {
    const store = storeOf();
    store.set(KEY, version('1', 'old'));
    store.observeOwnWrite(KEY, version('3', 'mine'), 0);
    expect(summary(store.set(KEY, version('2', 'between')))).toEqual([]);
    expect(store.get('shop', 'web')?.hash).toBe('mine');
    expect(summary(store.set(KEY, version('3', 'mine')))).toEqual(['set old>mine echo']);
  });

  it('show nothing older when their echo came first', () => {
    const store = storeOf();
    store.set(KEY, version('1', 'old'));
    store.set(KEY, version('3', 'mine'));
    store.observeOwnWrite(KEY, version('3', 'mine'), 0);
    store.set(KEY, version('4', 'theirs'));
    store.observeOwnWrite(KEY, version('3', 'mine'), 0);
    expect(store.get('shop', 'web')?.hash).toBe('theirs');
  });

  it('do not bring back an object that was deleted before the answer came', () => {
    const store = storeOf();
    store.set(KEY, version('3', 'mine'));
    store.delete(KEY, 'u1', '4');
    store.observeOwnWrite(KEY, version('3', 'mine'), 0);
    expect(store.get('shop', 'web')).toBeUndefined();
  });

  it('end when their write took the object out of the selection', () => {
    const store = storeOf();
    store.set(KEY, version('1', 'old'));
    store.observeOwnWrite(KEY, version('2', 'released'), 0);
    expect(summary(store.delete(KEY, 'u1', '2'))).toEqual(['deleted old']);
    expect(store.get('shop', 'web')).toBeUndefined();
    store.observeOwnWrite(KEY, version('2', 'released'), 0);
    expect(store.get('shop', 'web')).toBeUndefined();
  });

  it('survive the deletion of the object that they replaced', () => {
    const store = storeOf();
    store.set(KEY, version('1', 'old', 'u1'));
    store.observeOwnWrite(KEY, version('5', 'new', 'u2'), 0);
    expect(summary(store.delete(KEY, 'u1', '4'))).toEqual([]);
    expect(store.get('shop', 'web')?.hash).toBe('new');
    expect(summary(store.set(KEY, version('5', 'new', 'u2')))).toEqual(['deleted old', 'set ->new echo']);
  });

  it('end with a list that began after them, not with one that was under way', () => {
    const store = storeOf();
    store.beginList();
    store.observeOwnWrite(KEY, version('3', 'mine'), 0);
    expect(summary(store.endList(() => false))).toEqual([]);
    expect(store.get('shop', 'web')?.hash).toBe('mine');
    store.beginList();
    store.endList(() => false);
    expect(store.get('shop', 'web')).toBeUndefined();
  });

  it('end when the watch has gone on without an echo', () => {
    const store = storeOf();
    store.set(KEY, version('1', 'old'));
    store.observeOwnWrite(KEY, version('3', 'mine'), 1_000);
    store.set(KEY, version('4', 'theirs'));
    expect(store.dropOverlaysBefore(1_000)).toEqual([]);
    expect(summary(store.dropOverlaysBefore(1_001))).toEqual(['set old>theirs']);
    expect(store.get('shop', 'web')?.hash).toBe('theirs');
  });

  it('of a new object are counted and listed like any other', () => {
    const store = storeOf();
    store.observeOwnWrite(KEY, version('3', 'mine'), 0);
    expect(store.values()).toEqual([{ graph: 'g1', hash: 'mine' }]);
    expect(summary(store.set(KEY, version('3', 'mine')))).toEqual(['set ->mine echo']);
  });
});
