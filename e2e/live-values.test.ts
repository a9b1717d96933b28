import { describe, expect } from 'vitest';
import { applyDocExample, conditionOf, member, type Space, story, useOperator } from './support/index.ts';

useOperator();

const PAGE = 'live-values.md';
const DB = `db: {
	object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "db"}
	exports: host: "object.data.host"
}`;
const configMap = (name: string, body: string): string =>
  `${name}: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "${name}", ${body}}`;

function nodes(...all: readonly string[]): {
  readonly cueRef: { readonly type: string; readonly ref: string };
} {
  return { cueRef: { type: 'inline', ref: `package live\n\ngraph: nodes: {\n${all.join('\n')}\n}\n` } };
}

/** What someone else writes into the object of db, and its node exports. */
const answer = (space: Space, host: string) => space.patch('ConfigMap', 'db', { data: { host } });

/** Waits for the data of a ConfigMap. */
const untilData = (space: Space, name: string, key: string, value: string | undefined) =>
  space.untilFound('ConfigMap', name, (found) => member(found, 'data', key) === value);

describe.concurrent('live values', () => {
  story('a chain in which each node needs what the one before answered', async ({ space }) => {
    await applyDocExample(space, PAGE, 'an address from a Service');
    await space.untilReady('shop');
    const address = member(await space.get('Service', 'db'), 'spec', 'clusterIP');
    expect(address).toMatch(/^[0-9a-f.:]+$/);
    const app = await space.get('ConfigMap', 'app');
    expect(app['data']).toEqual({ command: `serve --database=postgres://${address}:5432` });
  });

  story('a node waits, says for what, and follows every answer', async ({ space }) => {
    await space.transform('live', nodes(DB, configMap('app', 'data: url: "http://\\(observed.db.host)"')));
    const waiting = await space.untilTransform(
      'live',
      'waits',
      ({ status }) => status?.nodes?.['app']?.readyDetails?.includes('waits for observed.db.host') === true,
    );
    expect(conditionOf(waiting, 'Ready')?.status).toBe('False');
    expect(await space.find('ConfigMap', 'app')).toBeUndefined();
    await answer(space, 'one');
    await untilData(space, 'app', 'url', 'http://one');
    await space.untilReady('live');
    await answer(space, 'two');
    await untilData(space, 'app', 'url', 'http://two');
  });

  story('a node may do without', async ({ space }) => {
    const body = 'data: {a: "1", if observed.db.host != _|_ {host: observed.db.host}}';
    await space.transform('live', nodes(DB, configMap('app', body)));
    await space.untilReady('live');
    expect((await space.get('ConfigMap', 'app'))['data']).toEqual({ a: '1' });
    await answer(space, 'one');
    await untilData(space, 'app', 'host', 'one');
  });

  story('nodes come of a list, stay while it is lost, and go with an item', async ({ space }) => {
    await applyDocExample(space, PAGE, 'nodes of a list');
    await space.untilTransform(
      'shop',
      'waits for the list',
      ({ status }) =>
        status?.nodes?.['pending-nodes']?.readyDetails?.includes('observed.team.members') === true,
    );
    await space.patch('ConfigMap', 'team', { data: { members: 'ann,bob' } });
    await space.untilFound('ConfigMap', 'member-bob');
    await space.untilReady('shop');
    const before = await space.get('ConfigMap', 'member-ann');

    await space.delete('ConfigMap', 'team');
    const lost = await space.untilFailing('shop', 'LiveValueLost');
    expect(conditionOf(lost, 'Ready')?.message).toContain('observed.team.members is lost since');
    expect(lost.status?.blockedBy).toContain('observed.team.members');
    await space.untilFound('ConfigMap', 'team');
    expect(await space.names('ConfigMap')).toEqual(['member-ann', 'member-bob', 'team']);

    await space.patch('ConfigMap', 'team', { data: { members: 'ann' } });
    await space.untilGone('ConfigMap', 'member-bob');
    await space.untilReady('shop');
    expect((await space.get('ConfigMap', 'member-ann')).metadata.uid).toBe(before.metadata.uid);
  });

  story('another expression takes no node along', async ({ space }) => {
    const extra =
      'if observed.db.host != _|_ { extra: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "extra"} }';
    const db = (expression: string): string => DB.replace('object.data.host', expression);
    await space.transform('live', nodes(DB, extra));
    await space.untilReady('live');
    await answer(space, 'one');
    const { uid } = (await space.untilFound('ConfigMap', 'extra')).metadata;
    await space.untilReady('live');

    // The new expression is answered: nothing has gone in between.
    const told = configMap('told', 'data: host: observed.db.host');
    await space.transform('live', nodes(db('object.data.host + \\":1\\"'), extra, told));
    await untilData(space, 'told', 'host', 'one:1');
    await space.untilReady('live');
    expect((await space.get('ConfigMap', 'extra')).metadata.uid).toBe(uid);

    // One without an answer: the value that there was is lost.
    const more = configMap('more', 'data: a: "1"');
    await space.transform('live', nodes(db('object.data.nowhere'), extra, more));
    await space.untilFound('ConfigMap', 'more');
    await space.untilFailing('live', 'LiveValueLost');
    expect((await space.get('ConfigMap', 'extra')).metadata.uid).toBe(uid);
    await space.transform('live', nodes(DB, extra, more));
    await space.untilReady('live');
    await space.untilGone('ConfigMap', 'told');
    expect((await space.get('ConfigMap', 'extra')).metadata.uid).toBe(uid);
  });

  story('a node that comes to depend on a new export stays until that is answered', async ({ space }) => {
    const extra = 'extra: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "extra"}';
    const old = configMap('old', 'data: a: "1"');
    await space.transform('live', nodes(DB.replace(/exports:.*$/m, ''), extra, old));
    await space.untilReady('live');
    await answer(space, 'one');
    const { uid } = (await space.get('ConfigMap', 'extra')).metadata;
    await space.transform('live', nodes(DB, `if observed.db.host != _|_ { ${extra} }`));
    await space.untilGone('ConfigMap', 'old');
    await space.untilReady('live');
    expect((await space.get('ConfigMap', 'extra')).metadata.uid).toBe(uid);
    // What never gets an answer holds nothing back for ever.
    const other = DB.replace('host: "object.data.host"', 'other: "object.data.nowhere"');
    await space.transform('live', nodes(other, `if observed.db.other != _|_ { ${extra} }`));
    await space.untilGone('ConfigMap', 'extra');
    await space.untilReady('live');
  });

  story('a graph that comes back ends the circle, until the spec changes', async ({ space }) => {
    const spec = nodes(DB, configMap('app', 'data: url: "http://\\(observed.db.host)"'));
    await space.transform('live', spec);
    await space.untilFound('ConfigMap', 'db');
    for (const host of ['one', 'two']) {
      await answer(space, host);
      await untilData(space, 'app', 'url', `http://${host}`);
    }
    await answer(space, 'one');
    const stalled = await space.untilFailing('live', 'ObservedLoop');
    const message = conditionOf(stalled, 'Stalled')?.message;
    expect(message).toContain('observed.db.host');
    expect(message).toContain('app');
    expect((await space.get('ConfigMap', 'app'))['data']).toEqual({ url: 'http://two' });
    await space.transform('live', nodes(DB, configMap('app', 'data: url: "https://\\(observed.db.host)"')));
    await untilData(space, 'app', 'url', 'https://one');
    await space.untilReady('live');
  });

  story('what can never be read is refused with its place, and what runs stays', async ({ space }) => {
    await space.transform('live', nodes(DB, configMap('app', 'data: a: "1"')));
    await space.untilReady('live');
    const refusals: readonly (readonly [string, string])[] = [
      ['observed.bd.host', 'there is no node bd'],
      ['observed.db.hots', 'node db does not export hots; its exports: host'],
    ];
    for (const [path, why] of refusals) {
      await space.transform('live', nodes(DB, configMap('app', `data: a: ${path}`)));
      const refused = await space.untilTransform('live', why, ({ status }) =>
        (status?.violations ?? []).some(({ message }) => message.includes(why)),
      );
      expect(conditionOf(refused, 'Rendered')).toMatchObject({ status: 'False', reason: 'ObservedInvalid' });
      expect(refused.status?.violations?.[0]?.position).toMatch(/^inline\.cue:\d+:\d+$/);
    }
    const secret =
      's: {object: {apiVersion: "v1", kind: "Secret", metadata: name: "s"}, exports: p: "object.data.p"}';
    await space.transform('live', nodes(secret));
    const refused = await space.untilFailing('live', 'ContractBroken');
    expect(refused.status?.violations?.[0]?.message).toContain('a Secret exports nothing');
    expect((await space.get('ConfigMap', 'app'))['data']).toEqual({ a: '1' });
  });
});
