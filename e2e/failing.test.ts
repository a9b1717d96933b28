import { describe, expect } from 'vitest';
import type { JsonObject } from '../src/json/index.ts';
import {
  conditionOf,
  configMap,
  deploymentObject,
  inline,
  member,
  NEVER_RUNS,
  objectAt,
  story,
  useOperator,
} from './support/index.ts';

useOperator();

const AT_POSITION = /^[^:]+\.cue:\d+:\d+$/;

function service(port: number): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'bad' },
    spec: { selector: { app: 'a' }, ports: [{ port }] },
  };
}

describe.concurrent('something fails', () => {
  story(
    'an invalid object: the field is named, others go on, dependents wait and say for whom',
    async ({ space }) => {
      const nodes = {
        bad: { object: service(70_000) },
        after: configMap('after', {}, { dependsOn: ['bad'] }),
        'long-after': configMap('long-after', {}, { dependsOn: ['after'] }),
        apart: configMap('apart'),
      };
      await space.transform('shop', inline(nodes));
      const failed = await space.untilTransform(
        'shop',
        'has settled on its failure',
        ({ status }) => status?.nodes?.['bad']?.phase === 'Error' && status.nodes['apart']?.phase === 'Ready',
      );
      expect(failed.status?.nodes?.['bad']?.lastError).toContain('spec.ports[0].port');
      expect(failed.status?.blockedBy).toMatch(
        /^bad: Service .*\/bad: .*spec\.ports\[0\]\.port.* since \d{4}-/,
      );
      expect(conditionOf(failed, 'Ready')?.status).toBe('False');
      const { nodeStatus } = await space.graphStatus('shop');
      for (const id of ['after', 'long-after']) {
        expect(nodeStatus?.[id], id).toMatchObject({ phase: 'Pending', reason: 'DependencyFailed' });
        expect(nodeStatus?.[id]?.message, id).toContain('bad');
      }
      expect(await space.names('ConfigMap')).toEqual(['apart']);

      await space.transform('shop', inline({ ...nodes, bad: { object: service(80) } }));
      await space.untilReady('shop');
      expect(await space.names('ConfigMap')).toEqual(['after', 'apart', 'long-after']);
      expect((await space.readTransform('shop')).status?.blockedBy).toBeUndefined();
    },
  );

  story('a field that does not exist is the author’s error', async ({ space }) => {
    const object = deploymentObject('web', { replicaCount: 3 });
    await space.transform('shop', inline({ web: { object } }));
    const failed = await space.untilTransform(
      'shop',
      'has a failed node',
      ({ status }) => status?.nodes?.['web']?.phase === 'Error',
    );
    expect(failed.status?.nodes?.['web']?.lastError).toContain('.spec.replicaCount');
    expect(conditionOf(failed, 'Stalled')?.status).toBe('True');
  });

  story(
    'a Deployment that does not get available in time fails, and recovers when its Pods run',
    async ({ space }) => {
      const object = deploymentObject('slow', {}, NEVER_RUNS);
      const readyWhen = [{ type: 'DeploymentAvailable', timeout: '2s' }];
      await space.transform('shop', inline({ slow: { object, readyWhen }, apart: configMap('apart') }));
      const late = await space.untilTransform(
        'shop',
        'has a node that is late',
        ({ status }) => status?.nodes?.['slow']?.phase === 'Error',
      );
      expect(late.status?.blockedBy).toContain('not available (0/1)');
      expect((await space.graphStatus('shop')).nodeStatus?.['slow']?.reason).toBe('ReadinessTimeout');
      expect(late.status?.nodes?.['apart']?.phase).toBe('Ready');

      await space.kubectl(['annotate', 'pods', '--all', 'control-plane.test/outcome-']);
      const ready = await space.untilReady('shop');
      expect(ready.status?.nodes?.['slow']?.phase).toBe('Ready');
    },
  );

  story(
    'an invalid input: nothing is created, and every error is listed with path and position',
    async ({ space }) => {
      const ref = `package shop
#Input: {
	name:     string & =~"^[a-z]+$"
	replicas: int & <=10
	port:     int
}
input: #Input
graph: nodes: a: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: input.name}
`;
      const cueRef = { type: 'inline', ref };
      const input = { name: 'UPPER', replicas: 50, port: 'http', surprise: true };
      await space.transform('shop', { cueRef, input });
      const refused = await space.untilTransform(
        'shop',
        'is refused',
        (transform) => conditionOf(transform, 'Validated')?.status === 'False',
      );
      const violations = refused.status?.violations ?? [];
      for (const path of ['input.name', 'input.replicas', 'input.port', 'input.surprise']) {
        const violation = violations.find((one) => one.path === path);
        expect(violation, path).toMatchObject({ severity: 'Error' });
        expect(violation?.position, path).toMatch(AT_POSITION);
      }
      expect(conditionOf(refused, 'Ready')?.message).toContain('nothing was created');
      expect(conditionOf(refused, 'Stalled')?.status).toBe('True');
      expect(await space.find('ResourceGraph', 'shop')).toBeUndefined();
      expect(await space.names('ConfigMap')).toEqual([]);

      await space.transform('shop', { cueRef, input: { name: 'shop', replicas: 5, port: 80 } });
      const ready = await space.untilReady('shop');
      expect(ready.status?.violations).toBeUndefined();
    },
  );

  story('a syntax error is shown with its position, and what runs keeps running', async ({ space }) => {
    await space.transform('shop', inline({ a: configMap('a', { k: 'v' }) }));
    await space.untilReady('shop');
    await space.transform('shop', { cueRef: { type: 'inline', ref: 'package shop\n\ngraph: nodes: {\n' } });
    const refused = await space.untilTransform(
      'shop',
      'is refused',
      (transform) => conditionOf(transform, 'Rendered')?.status === 'False',
    );
    expect(refused.status?.violations?.[0]?.position).toMatch(AT_POSITION);
    expect(conditionOf(refused, 'Ready')?.message).toContain('the last good graph keeps running');
    await space.delete('ConfigMap', 'a');
    await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === 'v');
  });

  story(
    'a cycle and an unknown dependency are named, and the last good graph keeps running',
    async ({ space }) => {
      await space.transform('shop', inline({ a: configMap('a', { k: 'v' }) }));
      await space.untilReady('shop');
      const nodes = {
        a: configMap('a', {}, { dependsOn: ['c'] }),
        b: configMap('b', {}, { dependsOn: ['a'] }),
        c: configMap('c', {}, { dependsOn: ['b'] }),
        d: configMap('d', {}, { dependsOn: ['nobody'] }),
      };
      await space.transform('shop', inline(nodes));
      const refused = await space.untilTransform(
        'shop',
        'is refused',
        (transform) => conditionOf(transform, 'Stalled')?.status === 'True',
      );
      const message = conditionOf(refused, 'Ready')?.message ?? '';
      expect(message).toMatch(/a.*b.*c|b.*c.*a|c.*b.*a/);
      expect(message).toContain('nobody');
      expect(await space.names('ConfigMap')).toEqual(['a']);
      await space.delete('ConfigMap', 'a');
      await space.untilFound('ConfigMap', 'a', (found) => member(found, 'data', 'k') === 'v');
    },
  );

  story('one object in two nodes is refused by name', async ({ space }) => {
    await space.transform('shop', inline({ one: configMap('same'), two: configMap('same') }));
    const refused = await space.untilTransform(
      'shop',
      'is refused',
      (transform) => conditionOf(transform, 'Stalled')?.status === 'True',
    );
    expect(conditionOf(refused, 'Ready')?.message).toMatch(/one.*two/);
    expect(await space.names('ConfigMap')).toEqual([]);
  });

  story('a module may refuse by rules of its own, or only warn', async ({ space }) => {
    const says = (severity: string): JsonObject => {
      const violation = JSON.stringify([{ path: 'input.size', message: 'is more than you need', severity }]);
      const node = JSON.stringify(configMap('a'));
      return {
        cueRef: { type: 'inline', ref: `package x\ngraph: {violations: ${violation}, nodes: a: ${node}}\n` },
      };
    };
    await space.transform('shop', says('Error'));
    const refused = await space.untilTransform(
      'shop',
      'is refused',
      (transform) => conditionOf(transform, 'Stalled')?.status === 'True',
    );
    expect(refused.status?.violations).toMatchObject([{ path: 'input.size', severity: 'Error' }]);
    expect(await space.names('ConfigMap')).toEqual([]);

    await space.transform('shop', says('Warning'));
    const warned = await space.untilReady('shop');
    expect(warned.status?.violations).toMatchObject([{ path: 'input.size', severity: 'Warning' }]);
  });

  story(
    'a field that can not be changed any more is named, and the object is left as it is',
    async ({ space }) => {
      const object = deploymentObject('web');
      await space.transform('shop', inline({ web: { object } }));
      await space.untilReady('shop');
      const { uid, generation } = (await space.get('Deployment', 'web')).metadata;
      const labels = { app: 'other' };
      const spec = objectAt(object, 'spec');
      const template = { ...objectAt(spec, 'template'), metadata: { labels } };
      const changed = { ...object, spec: { ...spec, selector: { matchLabels: labels }, template } };
      await space.transform('shop', inline({ web: { object: changed } }));
      const failed = await space.untilTransform(
        'shop',
        'has a failed node',
        ({ status }) => status?.nodes?.['web']?.phase === 'Error',
      );
      expect(failed.status?.blockedBy).toMatch(/spec\.selector.*immutable/);
      expect((await space.get('Deployment', 'web')).metadata).toMatchObject({ uid, generation });
      await space.transform('shop', inline({ web: { object } }));
      await space.untilReady('shop');
    },
  );

  story('a module that never ends is stopped, and others are rendered meanwhile', async ({ space }) => {
    const ref = `package story
import "list"
_n: list.Range(0, 3000, 1)
graph: nodes: a: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "a", data: x: "\\(len([for i in _n for j in _n for k in _n {i}]))"}
`;
    await space.transform('endless', { cueRef: { type: 'inline', ref } });
    await space.transform('good', inline({ a: configMap('good') }));
    await space.untilReady('good');
    const stopped = await space.untilTransform(
      'endless',
      'is stopped',
      (transform) => conditionOf(transform, 'Rendered')?.status === 'False',
    );
    expect(conditionOf(stopped, 'Rendered')?.reason).toMatch(/Limit|Timeout|Deadline|Memory/);
  });
});
