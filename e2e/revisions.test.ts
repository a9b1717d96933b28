// What is replaced is kept, and can be run again: by hand, and by itself after a failure.
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect } from 'vitest';
import { hashJson, isJsonObject, type JsonObject, parseJson, stringifyJson } from '../src/json/index.ts';
import {
  applyDocExample,
  conditionOf,
  configMap,
  deploymentObject,
  docExample,
  inline,
  member,
  NEVER_RUNS,
  type Space,
  story,
  until,
  useOperator,
} from './support/index.ts';

const shared = useOperator();

/** A Transform whose one ConfigMap says which version it is. */
function version(text: string, more: JsonObject = {}): JsonObject {
  return inline({ settings: configMap('settings', { version: text }) }, more);
}

/** A Deployment that never gets ready, beside the ConfigMap. */
function broken(text: string, more: JsonObject = {}): JsonObject {
  const app = { object: deploymentObject('app', {}, NEVER_RUNS) };
  return inline({ settings: configMap('settings', { version: text }), app }, more);
}

/** Numbers of the revisions that are kept, `!` behind those that were ready. */
async function kept(space: Space): Promise<readonly string[]> {
  const objects = await space.list('ControllerRevision', 'pequod.io/transform-uid,!pequod.io/candidate');
  return objects
    .map(({ metadata: { labels } }) => ({
      number: Number(labels?.['pequod.io/revision']),
      mark: labels?.['pequod.io/ready'] === 'true' ? '!' : '',
    }))
    .sort((a, b) => a.number - b.number)
    .map(({ number, mark }) => `${number}${mark}`);
}

async function versionInCluster(space: Space): Promise<unknown> {
  const data = (await space.find('ConfigMap', 'settings'))?.['data'];
  return isJsonObject(data) ? data['version'] : undefined;
}

async function untilVersion(space: Space, text: string): Promise<void> {
  await until(
    `version ${text} runs`,
    () => versionInCluster(space),
    (seen) => seen === text,
  );
}

/** Applies the spec and waits until it runs and is ready. */
async function roll(space: Space, spec: JsonObject): Promise<number | undefined> {
  await space.transform('shop', spec);
  return (await space.untilReady('shop')).status?.currentRevision;
}

async function nameOf(space: Space, number: number): Promise<string> {
  const [found] = await space.list('ControllerRevision', `pequod.io/revision=${number}`);
  return found?.metadata.name ?? '';
}

describe.concurrent('revisions', () => {
  story(
    'a Transform with revisions can be deleted with --cascade=orphan: they stay, and are nobody’s',
    async ({ space }) => {
      await space.transform('shop', inline({ a: configMap('a', { k: '1' }) }));
      await space.untilReady('shop');
      await space.transform('shop', inline({ a: configMap('a', { k: '2' }) }));
      await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === '2');
      await space.untilReady('shop');
      await space.kubectl(['delete', 'transform', 'shop', '--cascade=orphan', '--wait=false']);
      await space.untilGone('Transform', 'shop');
      expect(await space.get('ConfigMap', 'a')).toMatchObject({ data: { k: '2' } });
    },
  );

  story('each change keeps the graph before it; they go with their Transform', async ({ space }) => {
    expect(await roll(space, version('a'))).toBe(1);
    expect(await kept(space)).toEqual([]);
    expect(await roll(space, version('b'))).toBe(2);
    expect(await roll(space, version('c'))).toBe(3);
    expect(await kept(space)).toEqual(['1!', '2!']);
    await space.transform('shop', { ...version('c'), interval: '1h' });
    expect((await space.untilReady('shop')).status?.currentRevision).toBe(3);
    expect(await kept(space)).toEqual(['1!', '2!']);
    await space.delete('Transform', 'shop');
    await until(
      'revisions are gone',
      () => kept(space),
      (left) => left.length === 0,
    );
  });

  story('a lower limit counts at once', async ({ space }) => {
    for (const text of ['a', 'b', 'c', 'd']) await roll(space, version(text));
    expect(await kept(space)).toEqual(['1!', '2!', '3!']);
    await roll(space, version('d', { revisionHistoryLimit: 1 }));
    expect(await kept(space)).toEqual(['3!']);
  });

  story('a graph that is too large is refused, and what runs is no revision for it', async ({ space }) => {
    await roll(space, version('a'));
    const data = 'data: a: strings.Repeat("x", 1100000)';
    const object = `{apiVersion: "v1", kind: "ConfigMap", metadata: name: "large", ${data}}`;
    const ref = `package story\nimport "strings"\ngraph: nodes: large: object: ${object}\n`;
    await space.transform('shop', { cueRef: { type: 'inline', ref } });
    const refused = await space.untilTransform(
      'shop',
      'is refused',
      (transform) => conditionOf(transform, 'Rendered')?.status === 'False',
    );
    expect(refused.status?.currentRevision).toBe(1);
    expect(await versionInCluster(space)).toBe('a');
    expect(await kept(space)).toEqual([]);
  });

  story('what follows from live values alone is the same revision', async ({ space }) => {
    const spec = (text: string): JsonObject => ({
      cueRef: {
        type: 'inline',
        ref: `package story
graph: nodes: {
	source: {
		object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "source"}
		exports: value: "object.data.value"
	}
	settings: object: {
		apiVersion: "v1"
		kind:       "ConfigMap"
		metadata: name: "settings"
		data: version:  "${text} \\(observed.source.value)"
	}
}
`,
      },
    });
    const say = (value: string) => space.patch('ConfigMap', 'source', { data: { value } });
    await space.transform('shop', spec('a'));
    await space.untilFound('ConfigMap', 'source');
    await say('one');
    await untilVersion(space, 'a one');
    await say('two');
    await untilVersion(space, 'a two');
    expect((await space.untilReady('shop')).status?.currentRevision).toBe(1);
    expect(await kept(space)).toEqual([]);
    await space.transform('shop', spec('b'));
    await untilVersion(space, 'b two');
    await space.untilReady('shop');
    expect(await kept(space)).toEqual(['1!']);
    await say('three');
    await untilVersion(space, 'b three');
    expect((await space.untilReady('shop')).status?.currentRevision).toBe(2);
    expect(await kept(space)).toEqual(['1!']);
  });

  story('what the page shows works', async ({ space }) => {
    const colour = async (): Promise<unknown> => {
      const data = (await space.find('ConfigMap', 'settings'))?.['data'];
      return isJsonObject(data) ? data['colour'] : undefined;
    };
    await applyDocExample(space, 'revisions.md', 'rollbackOnFailure');
    await space.untilReady('shop');
    expect(await colour()).toBe('blue');
    const green = (await docExample('revisions.md', 'rollbackTo')).replace('  rollbackTo: 1\n', '');
    await space.kubectl(['apply', '--server-side', '-f', '-'], green);
    await until('green runs', colour, (seen) => seen === 'green');
    await space.untilReady('shop');
    await applyDocExample(space, 'revisions.md', 'rollbackTo');
    await until('blue runs again', colour, (seen) => seen === 'blue');
    const ready = await space.untilReady('shop');
    expect(conditionOf(ready, 'Ready')?.message).toContain('runs revision 1 (rollbackTo)');
  });

  story('no more are kept than asked for, but always one that was ready', async ({ space }) => {
    for (const text of ['a', 'b', 'c', 'd']) await roll(space, version(text, { revisionHistoryLimit: 2 }));
    expect(await kept(space)).toEqual(['2!', '3!']);
    await space.transform('shop', broken('e', { revisionHistoryLimit: 1 }));
    await space.untilTransform('shop', 'runs revision 5', ({ status }) => status?.currentRevision === 5);
    await space.transform('shop', broken('f', { revisionHistoryLimit: 1 }));
    await space.untilTransform('shop', 'runs revision 6', ({ status }) => status?.currentRevision === 6);
    expect(await kept(space)).toEqual(['4!']);
  });

  story('a number is used once, though revisions are deleted and the status is wiped', async ({ space }) => {
    await roll(space, version('a'));
    await roll(space, version('b'));
    await roll(space, version('c'));
    for (const { metadata } of await space.list('ControllerRevision', 'pequod.io/transform-uid')) {
      await space.delete('ControllerRevision', metadata.name);
    }
    await space.patch('Transform', 'shop', { status: null }, { subresource: 'status' });
    await space.untilReady('shop');
    expect(await roll(space, version('d'))).toBe(4);
    expect(await kept(space)).toEqual(['3!']);
    await space.delete('ResourceGraph', 'shop');
    await space.patch('Transform', 'shop', { status: null }, { subresource: 'status' });
    await untilVersion(space, 'd');
    await space.untilTransform('shop', 'is numbered', ({ status }) => (status?.currentRevision ?? 0) >= 4);
  });

  story(
    'rollbackTo runs an earlier revision, without its source, until it is taken away',
    async ({ space }) => {
      await roll(space, version('a'));
      await roll(space, version('b'));
      const gone = { cueRef: { type: 'configmap', ref: 'missing' } };
      await space.transform('shop', { ...gone, rollbackTo: 1 });
      await untilVersion(space, 'a');
      const { metadata, status } = await space.untilReady('shop');
      expect(status).toMatchObject({
        currentRevision: 1,
        pin: { revision: 1, reason: 'RollbackTo', generation: metadata.generation },
      });
      expect(conditionOf({ status: status ?? {} }, 'Ready')?.message).toContain(
        'runs revision 1 (rollbackTo)',
      );
      expect(await kept(space)).toEqual(['1!', '2!']);

      await space.transform('shop', version('b', { rollbackTo: 2 }));
      await untilVersion(space, 'b');
      expect((await space.untilReady('shop')).status).toMatchObject({
        currentRevision: 2,
        pin: { revision: 2 },
      });

      expect(await roll(space, version('c'))).toBe(3);
      await untilVersion(space, 'c');
      expect((await space.readTransform('shop')).status?.pin).toBeUndefined();
      expect(await kept(space)).toEqual(['1!', '2!']);
    },
  );

  story(
    'rollbackTo a revision that is not there changes nothing, and names those that are',
    async ({ space }) => {
      await roll(space, version('a'));
      await roll(space, version('b'));
      await space.transform('shop', version('c', { rollbackTo: 7 }));
      const missing = await space.untilFailing('shop', 'RevisionNotFound');
      expect(conditionOf(missing, 'Ready')?.message).toContain('there are 2 (which runs), 1');
      expect(conditionOf(missing, 'Stalled')?.status).toBe('True');
      expect(await versionInCluster(space)).toBe('b');
      expect(await roll(space, version('c', { rollbackTo: 2 }))).toBe(2);
      expect(await versionInCluster(space)).toBe('b');
      await space.delete('ResourceGraph', 'shop');
      await space.untilTransform(
        'shop',
        'has its graph again',
        ({ status }) => status?.currentRevision === 2,
      );
      await space.untilFound(
        'ResourceGraph',
        'shop',
        ({ metadata }) => metadata.deletionTimestamp === undefined,
      );
      expect(await roll(space, version('c'))).toBe(3);
    },
  );

  story('a revision that was forged is not run', async ({ space }) => {
    await roll(space, version('a'));
    await roll(space, version('b'));
    const name = await nameOf(space, 1);
    const { metadata, data } = await space.get('ControllerRevision', name);
    const forge = async (change: (content: JsonObject) => JsonObject): Promise<void> => {
      const packed = isJsonObject(data) ? String(data['content']) : '';
      const content = parseJson(gunzipSync(Buffer.from(packed, 'base64')).toString('utf8'));
      if (!isJsonObject(content)) throw new Error('a revision holds an object');
      const text = gzipSync(stringifyJson(change(content))).toString('base64');
      const { labels, annotations, ownerReferences } = metadata;
      await space.delete('ControllerRevision', name);
      await space.create('ControllerRevision', name, {
        metadata: { labels, annotations, ownerReferences: [...(ownerReferences ?? [])] },
        revision: 1,
        data: { encoding: 'gzip+base64', content: text },
      });
    };
    const other = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'default' } };
    const nodes = [{ id: 'settings', object: other }];

    await forge((content) => ({ ...content, nodes }));
    await space.transform('shop', version('b', { rollbackTo: 1 }));
    await space.untilFailing('shop', 'RevisionInvalid');

    await forge((content) => {
      const stated = isJsonObject(content['metadata']) ? content['metadata'] : {};
      return { ...content, nodes, metadata: { ...stated, renderHash: hashJson(nodes) } };
    });
    await space.transform('shop', version('b', { rollbackTo: 1, interval: '1h' }));
    await space.untilFailing('shop', 'NotConfined');
    expect(await versionInCluster(space)).toBe('b');
  });
});

describe.concurrent('rollbackOnFailure', () => {
  const watched = { rollbackOnFailure: true, progressDeadline: '3s' };

  story(
    'what does not get ready gives way to the last that was, until the spec changes',
    async ({ space }) => {
      await roll(
        space,
        inline({ settings: configMap('settings', { version: 'a' }), old: configMap('old') }, watched),
      );
      await space.transform('shop', broken('b', watched));
      await untilVersion(space, 'b');
      expect(await space.names('ConfigMap')).toContain('old');
      const rolledBack = await space.untilFailing('shop', 'RolledBack');
      await untilVersion(space, 'a');
      const { metadata, status } = rolledBack;
      expect(status?.pin).toMatchObject({
        revision: 1,
        reason: 'RollbackOnFailure',
        generation: metadata.generation,
        digest: status?.resolvedCueRef?.digest,
      });
      const message = conditionOf(rolledBack, 'Ready')?.message;
      expect(message).toMatch(/revision 2 failed \(ProgressDeadlineExceeded\): .*app.*revision 1 runs/);
      expect(await kept(space)).toEqual(['1!', '2']);
      await space.untilGone('Deployment', 'app');
      expect(await space.names('ConfigMap')).toEqual(['old', 'settings']);
      expect((await space.readTransform('shop')).status?.currentRevision).toBe(1);

      expect(await roll(space, version('c', watched))).toBe(3);
      const after = await space.readTransform('shop');
      expect(after.status?.pin).toBeUndefined();
      expect(await kept(space)).toEqual(['1!', '2']);
      await space.untilGone('ConfigMap', 'old');
    },
  );

  story('the first graph has nothing to go back to, and says so', async ({ space }) => {
    await space.transform('shop', broken('a', watched));
    const failing = await space.untilFailing('shop', 'ProgressDeadlineExceeded');
    expect(conditionOf(failing, 'Ready')?.message).toContain('no earlier revision that was ready');
    expect(failing.status?.pin).toBeUndefined();
  });

  story('a graph that was ready and degrades is not rolled back', async ({ space }) => {
    await roll(space, version('a', watched));
    const app = { object: deploymentObject('app') };
    await roll(space, inline({ settings: configMap('settings', { version: 'b' }), app }, watched));
    await space.patch('Deployment', 'app', { metadata: { labels: { noted: 'yes' } } });
    for (const pod of await space.list('Pod')) await space.delete('Pod', pod.metadata.name);
    const { status } = await space.untilReady('shop');
    expect(status?.currentRevision).toBe(2);
    expect(status?.pin).toBeUndefined();
  });
});

describe('a crash', () => {
  story('while an earlier revision is pinned does not make it what was asked for', async ({ space }) => {
    const { operator } = shared;
    await roll(space, version('a'));
    await roll(space, version('b'));
    expect(await roll(space, version('b', { rollbackTo: 1 }))).toBe(1);
    await operator.kill9();
    await operator.restart();
    await space.untilReady('shop');
    await operator.kill9();
    await space.transform('shop', version('b'));
    await operator.restart();
    await untilVersion(space, 'b');
    expect((await space.untilReady('shop')).status?.currentRevision).toBe(3);
  });

  story('around a rollback loses nothing and rolls back once', async ({ space }) => {
    const { operator } = shared;
    const watched = { rollbackOnFailure: true, progressDeadline: '2s' };
    await roll(space, version('a', watched));
    await space.transform('shop', broken('b', watched));
    await until(
      'the pin is written',
      () => space.readTransform('shop'),
      ({ status }) => status?.pin !== undefined,
    );
    await operator.kill9();
    await operator.restart();
    await space.untilFailing('shop', 'RolledBack');
    await untilVersion(space, 'a');
    await operator.kill9();
    await operator.restart();
    await space.transform('shop', version('b', { ...watched, rollbackTo: 2 }));
    await operator.kill9();
    await operator.restart();
    await untilVersion(space, 'b');
    await space.transform('shop', version('c', watched));
    await operator.kill9();
    await operator.restart();
    expect(await roll(space, version('c', watched))).toBe(3);
    await untilVersion(space, 'c');
    expect(await kept(space)).toEqual(['1!', '2']);
  });
});
