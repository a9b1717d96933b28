import { describe, expect } from 'vitest';
import type { ExportedValue, KubeObject, TransformStatus } from '../src/api/index.ts';
import { expressionHash } from '../src/cel/index.ts';
import type { JsonObject } from '../src/json/index.ts';
import {
  applyDocExample,
  configMap,
  inline,
  type NodeInModule,
  type Space,
  story,
  until,
  useOperator,
} from './support/index.ts';

useOperator();

const HOST = 'object.data.host';

/** A ConfigMap whose key `host` somebody else fills in, and what it exports. */
function producer(exports: JsonObject = { host: HOST }): NodeInModule {
  return configMap('db', { engine: 'postgres' }, { exports });
}

async function setHost(space: Space, host: string | null): Promise<KubeObject> {
  return await space.patch('ConfigMap', 'db', { data: { host } });
}

async function exportOf(space: Space, name = 'host', node = 'db'): Promise<ExportedValue | undefined> {
  const { nodeStatus } = await space.graphStatus('shop');
  return nodeStatus?.[node]?.exports?.[name];
}

async function untilExport(
  space: Space,
  what: string,
  isRight: (found: ExportedValue | undefined) => boolean,
): Promise<ExportedValue | undefined> {
  return await until(`export host ${what}`, () => exportOf(space), isRight);
}

/** Waits until the newest spec is refused with this. @returns all that is wrong with it */
async function untilRefused(space: Space, message: string): Promise<string> {
  const told = ({ violations = [] }: TransformStatus = {}): string =>
    violations.map((violation) => violation.message).join('\n');
  const { status } = await space.untilTransform('shop', `is refused: ${message}`, (transform) =>
    told(transform.status).includes(message),
  );
  return told(status);
}

const hasValue =
  (value: string) =>
  (found: ExportedValue | undefined): boolean =>
    found?.value === value;

/** A pass that came after what was done before: a change of another object has come through. */
async function untilNextPass(space: Space, mark: string): Promise<void> {
  await space.patch('ConfigMap', 'mark', { data: { k: mark } });
  await space.untilFound('ConfigMap', 'mark', ({ data }) => JSON.stringify(data) === '{"k":"1"}');
}

describe('a node exports values of its object', () => {
  story(
    'an object that was there before, and is only to be made where it is missing, exports too',
    async ({ space }) => {
      await space.create('ConfigMap', 'db', { data: { host: 'theirs.example' } });
      const once = { ...producer(), applyPolicy: { mode: 'Create' } };
      await space.transform('shop', inline({ db: once, old: configMap('old') }));
      await space.untilReady('shop');
      await untilExport(space, 'has the value of the object as it was', hasValue('theirs.example'));
      await space.transform('shop', inline({ db: once }));
      await space.untilGone('ConfigMap', 'old');
    },
  );

  story(
    'a value appears when the object has it, changes with it, and stays when it goes',
    async ({ space }) => {
      await space.transform('shop', inline({ db: producer(), mark: configMap('mark', { k: '1' }) }));
      await space.untilReady('shop');
      const { uid } = (await space.get('ConfigMap', 'db')).metadata;
      expect(await exportOf(space)).toEqual({
        exprHash: expressionHash(HOST),
        uid,
        message: 'not there yet: 1:13: no such key: host',
      });
      await setHost(space, 'db-1');
      expect(await untilExport(space, 'is there', hasValue('db-1'))).toEqual({
        exprHash: expressionHash(HOST),
        uid,
        value: 'db-1',
      });
      await setHost(space, 'db-2');
      await untilExport(space, 'has changed', hasValue('db-2'));
      await setHost(space, null);
      await untilNextPass(space, 'changed');
      expect((await exportOf(space))?.value).toBe('db-2');
      expect((await space.graphStatus('shop')).phase).toBe('Ready');
    },
  );

  story('a value is lost with its object, and nothing is pruned until it is back', async ({ space }) => {
    const extra = configMap('extra');
    await space.transform('shop', inline({ db: producer(), extra }));
    await space.untilReady('shop');
    const { uid } = await setHost(space, 'db-1').then(({ metadata }) => metadata);
    await untilExport(space, 'is there', hasValue('db-1'));

    await space.delete('ConfigMap', 'db');
    const again = await space.untilFound('ConfigMap', 'db', ({ metadata }) => metadata.uid !== uid);
    const lost = await untilExport(space, 'is lost', (found) => found?.lostAt !== undefined);
    expect(lost).toMatchObject({ uid, message: expect.stringContaining('no such key: host') });
    expect(lost).not.toHaveProperty('value');

    // The module has no node for `extra` any more, but while a value is lost nobody knows whether it should.
    await space.transform('shop', inline({ db: producer(), other: configMap('other') }));
    await space.untilFound('ConfigMap', 'other');
    await space.untilReady('shop');
    expect(await space.names('ConfigMap')).toEqual(['db', 'extra', 'other']);

    await setHost(space, 'db-2');
    const back = await untilExport(space, 'is back', hasValue('db-2'));
    expect(back).toEqual({ exprHash: expressionHash(HOST), uid: again.metadata.uid, value: 'db-2' });
    await space.untilGone('ConfigMap', 'extra');
  });

  story('another expression is answered without a write to the object', async ({ space }) => {
    await space.transform('shop', inline({ db: producer() }));
    await space.untilReady('shop');
    const { resourceVersion } = (await setHost(space, 'db-1')).metadata;
    await untilExport(space, 'is there', hasValue('db-1'));
    await space.transform(
      'shop',
      inline({ db: producer({ host: `${HOST} + ":5432"`, all: 'object.data' }) }),
    );
    await untilExport(space, 'is the new one', hasValue('db-1:5432'));
    expect((await exportOf(space, 'all'))?.value).toEqual({ engine: 'postgres', host: 'db-1' });
    expect((await space.get('ConfigMap', 'db')).metadata.resourceVersion).toBe(resourceVersion);
    await space.transform('shop', inline({ db: producer({ all: 'object.data' }) }));
    await untilExport(space, 'is not declared', (found) => found === undefined);
    expect((await exportOf(space, 'all'))?.value).toMatchObject({ host: 'db-1' });
  });

  story('what the page shows: the address of a load balancer', async ({ space }) => {
    await applyDocExample(space, 'cel.md', 'export an address');
    await space.untilReady('front');
    const exports = async (): Promise<JsonObject | undefined> =>
      (await space.graphStatus('front')).nodeStatus?.['lb']?.exports;
    expect(await exports()).toMatchObject({
      host: { message: expect.stringContaining('no such key: ingress') },
      port: { value: 443 },
    });
    const status = { loadBalancer: { ingress: [{ hostname: 'front.example.com' }] } };
    await space.patch('Service', 'front', { status }, { subresource: 'status' });
    await until('the address is known', exports, (found) =>
      JSON.stringify(found).includes('front.example.com'),
    );
  });

  story('a wrong expression is refused with its place, and what runs goes on', async ({ space }) => {
    await space.transform('shop', inline({ db: producer() }));
    await space.untilReady('shop');
    const generation = (await space.get('ResourceGraph', 'shop')).metadata.generation;
    const secret: NodeInModule = {
      object: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'token' }, type: 'Opaque' },
      exports: { token: 'object.data.token' },
    };
    await space.transform('shop', inline({ db: producer(), secret }));
    await untilRefused(space, 'a Secret exports nothing');
    const ready = configMap('ready', {}, { readyWhen: [{ type: 'CEL', expression: 'size(object.data)' }] });
    await space.transform('shop', inline({ db: producer({ host: 'objct.data.host' }), ready }));
    const messages = await untilRefused(space, '1:1: unknown variable: objct');
    expect(messages).toContain('the result is of type int, not bool');
    expect((await space.get('ResourceGraph', 'shop')).metadata.generation).toBe(generation);
  });
});

/** A module of `db`, which answers nothing, and of `web`, which reads what `db` answers. */
const READS_HOST: JsonObject = {
  cueRef: {
    type: 'inline',
    ref: `package story

observed: _
graph: nodes: {
	db: ${JSON.stringify(producer())}
	web: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "web", data: host: observed.db.host}
	edge: ${JSON.stringify(configMap('edge', {}, { dependsOn: ['web'] }))}
}
`,
  },
};

describe('a node waits for a value of another', () => {
  story('what it had stays as it is, nothing is pruned, and deletion takes it along', async ({ space }) => {
    const extra = configMap('extra');
    await space.transform('shop', inline({ db: producer(), web: configMap('web', { host: 'old' }), extra }));
    await space.untilReady('shop');
    const { uid } = (await space.get('ConfigMap', 'web')).metadata;

    await space.transform('shop', READS_HOST);
    const { status } = await space.untilTransform('shop', 'waits for the value', (transform) =>
      (transform.status?.blockedBy ?? '').includes('waits for observed.db.host'),
    );
    expect(status?.blockedBy).toMatch(/^web: /);
    const { nodeStatus, inventory } = await space.graphStatus('shop');
    expect(nodeStatus).toMatchObject({
      web: { phase: 'Pending', reason: 'WaitingForValues', message: 'waits for observed.db.host' },
      edge: { phase: 'Pending', message: 'waits for node web (object not known yet), which is not ready' },
    });
    expect(inventory?.items.map(({ name }) => name).sort()).toEqual(['db', 'edge', 'extra', 'web']);

    // Nobody knows what it should say now: somebody else's change is left alone.
    await space.patch('ConfigMap', 'web', { data: { host: 'by hand' } });
    await space.patch('ConfigMap', 'db', { data: { engine: 'by hand' } });
    await space.untilFound('ConfigMap', 'db', ({ data }) => JSON.stringify(data).includes('postgres'));
    expect(await space.get('ConfigMap', 'web')).toMatchObject({
      metadata: { uid },
      data: { host: 'by hand' },
    });
    expect(await space.names('ConfigMap')).toEqual(['db', 'extra', 'web']);

    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    expect(await space.names('ConfigMap')).toEqual([]);
  });

  story('a lost inventory is found again, with what waits', async ({ space }) => {
    await space.transform('shop', inline({ db: producer(), web: configMap('web', { host: 'old' }) }));
    await space.untilReady('shop');
    await space.transform('shop', READS_HOST);
    await space.untilTransform('shop', 'waits for the value', ({ status }) =>
      (status?.blockedBy ?? '').includes('waits for observed.db.host'),
    );
    await space.patch('ResourceGraph', 'shop', { status: null }, { subresource: 'status' });
    const { inventory } = await until(
      'the inventory is back',
      () => space.graphStatus('shop'),
      (status) =>
        status.inventory?.items.some(({ name, uid }) => name === 'web' && uid !== undefined) === true,
    );
    expect(inventory?.items.map(({ name }) => name).sort()).toEqual(['db', 'edge', 'web']);
    await space.delete('Transform', 'shop');
    await space.untilGone('Transform', 'shop');
    expect(await space.names('ConfigMap')).toEqual([]);
  });
});

describe('a CEL expression says when a node is ready', () => {
  story('it waits, fails, recovers, and is ready', async ({ space }) => {
    await applyDocExample(space, 'cel.md', 'ready when the object says so');
    const waiting = 'waits for int(object.data.done) >= int(object.data.wanted): 1:17: no such key: done';
    await space.untilTransform(
      'migration',
      'waits',
      ({ status }) => status?.blockedBy?.includes(waiting) === true,
    );

    await space.patch('ConfigMap', 'migration', { data: { error: 'table is locked' } });
    await space.untilFailing('migration', 'FailedWhen');
    await space.patch('ConfigMap', 'migration', { data: { error: '', done: 'x' } });
    await space.untilTransform(
      'migration',
      'says what is wrong',
      ({ status }) => status?.blockedBy?.includes('cannot convert to int') === true,
    );
    await space.patch('ConfigMap', 'migration', { data: { done: '7' } });
    await space.untilReady('migration');
    await space.patch('ConfigMap', 'migration', { data: { done: '6' } });
    await space.untilTransform('migration', 'is unready', ({ status }) => status?.blockedBy !== undefined);
  });
});
