// Changes of what a Transform refers to: the ConfigMaps that its module and its input come from.
import { configMapObject, MODULE } from '../bases.ts';
import { type Change, pickFrom, type Scene } from './change.ts';

const TEXTS: readonly string[] = [
  'colour: green\nlimits: {cpu: "1"}\n',
  'colour: 7\n',
  'colour: [\n',
  '',
  '- a list\n',
  '{"colour": "green", "limits": {"memory": "1Gi"}}',
  'colour: green\n---\ncolour: red\n',
];

/** Undefined where the Transform refers to nothing. */
export function sourceChange({ base, random }: Scene): Change | undefined {
  if (base.objects === undefined) return undefined;
  const value = pickFrom(random, TEXTS);
  const told = JSON.stringify(value);
  const data = { 'shop.yaml': value };
  const overrides = configMapObject('overrides', data, { labels: { 'pequod.io/module': 'input' } });
  return pickFrom<Change>(random, [
    { label: `defaults: ${told}`, act: (world) => world.replace('ConfigMap', 'defaults', '/data', data) },
    { label: 'defaults has no key', act: (world) => world.replace('ConfigMap', 'defaults', '/data', {}) },
    {
      label: 'defaults is deleted',
      act: (world) => world.delete('ConfigMap', 'defaults'),
      keepsObjects: true,
    },
    { label: 'the module is deleted', act: (world) => world.delete('ConfigMap', MODULE), keepsObjects: true },
    {
      label: 'the module is empty',
      act: (world) => world.replace('ConfigMap', MODULE, '/data', {}),
      keepsObjects: true,
    },
    {
      label: `overrides: ${told}`,
      act: async (world) => {
        await world.create(overrides);
      },
      undo: (world) => world.delete('ConfigMap', 'overrides'),
    },
  ]);
}
