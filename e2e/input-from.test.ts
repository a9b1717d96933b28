import { describe, expect } from 'vitest';
import { applyDocExample, conditionOf, member, story, useOperator } from './support/index.ts';

useOperator();

const PAGE = 'input-from.md';
const EXAMPLE = 'input from ConfigMaps';

describe.concurrent('input from ConfigMaps', () => {
  story('is laid under the input, in order, and followed when it changes', async ({ space }) => {
    await applyDocExample(space, PAGE, EXAMPLE);
    await space.untilReady('shop');
    const settings = await space.get('ConfigMap', 'settings');
    expect(settings['data']).toEqual({ colour: 'blue', size: '3', cpu: '2', memory: '1Gi' });
    await space.patch('ConfigMap', 'defaults', { data: { size: '4' } });
    await space.untilFound('ConfigMap', 'settings', (found) => member(found, 'data', 'size') === '4');
  });

  story('an optional one that appears counts from the next look on', async ({ space }) => {
    await applyDocExample(space, PAGE, EXAMPLE);
    await space.untilReady('shop');
    const overrides = {
      metadata: { labels: { 'pequod.io/module': 'input' } },
      data: { 'shop.yaml': 'colour: red' },
    };
    await space.create('ConfigMap', 'overrides', overrides);
    await space.untilFound('ConfigMap', 'settings', (found) => member(found, 'data', 'colour') === 'red');
    await space.delete('ConfigMap', 'overrides');
    await space.untilFound('ConfigMap', 'settings', (found) => member(found, 'data', 'colour') === 'blue');
  });

  story('one that is lost or damaged leaves what runs, and is named with its place', async ({ space }) => {
    await applyDocExample(space, PAGE, EXAMPLE);
    await space.untilReady('shop');
    await space.patch('ConfigMap', 'defaults', { data: { 'shop.yaml': 'colour: blue\nlimits: [\n' } });
    const damaged = await space.untilFailing('shop', 'InputInvalid');
    expect(conditionOf(damaged, 'Validated')?.message).toMatch(
      /inputFrom\[0\]: defaults\/shop\.yaml:\d+:\d+: /,
    );
    await space.patch('ConfigMap', 'defaults', { data: { 'shop.yaml': null } });
    const missing = await space.untilFailing('shop', 'InputMissing');
    expect(missing.status?.violations?.[0]?.message).toBe(
      'inputFrom[0]: ConfigMap defaults has no key shop.yaml',
    );
    expect((await space.get('ConfigMap', 'settings'))['data']).toMatchObject({ colour: 'blue' });
    await space.patch('ConfigMap', 'defaults', {
      data: { 'shop.yaml': 'colour: green\nlimits: {memory: 2Gi}' },
    });
    await space.untilFound('ConfigMap', 'settings', (found) => member(found, 'data', 'colour') === 'green');
    await space.untilReady('shop');
  });

  story('what does not fit #Input is refused like any input', async ({ space }) => {
    await applyDocExample(space, PAGE, EXAMPLE);
    await space.untilReady('shop');
    await space.patch('ConfigMap', 'defaults', { data: { size: 'many' } });
    const refused = await space.untilFailing('shop', 'InputInvalid');
    expect(refused.status?.violations?.map(({ path }) => path)).toContain('input.replicas');
  });
});
