import { expect, it } from 'vitest';
import { watch } from '../../faults/campaigns/watch.ts';
import { SCENARIOS } from '../../faults/scenarios/index.ts';

/** The labels of all points of a run in which `deployments` brought three events and `namespaces` none. */
function labels(): readonly string[] {
  const [scenario] = SCENARIOS;
  if (scenario === undefined) throw new Error('there is no scenario');
  const watches = new Map([
    ['deployments', 3],
    ['namespaces', 0],
  ]);
  return watch.series({ scenario, calls: [], watches, seed: 1 }).flatMap(({ length, at }) => {
    const count = 'about' in length ? length.about : length.exactly;
    return Array.from({ length: count }, (_, index) => at(index + 1).label);
  });
}

function placesOf(fault: string): readonly string[] {
  return labels()
    .filter((label) => label.includes(` ${fault} `))
    .map((label) => label.replace(/^the watch of (\S+) .* after (\d+) events$/, '$1 $2'));
}

it('puts each fault of watches after each event of each watch', () => {
  const all = ['deployments 0', 'deployments 1', 'deployments 2', 'deployments 3', 'namespaces 0'];
  expect(placesOf('stalls')).toEqual(all);
  expect(new Set(placesOf('fails'))).toEqual(new Set(all));
  expect(new Set(placesOf('ends'))).toEqual(new Set(all));
  expect(placesOf('loses')).toEqual(['deployments 0', 'deployments 1']);
  expect(placesOf('breaks')).toEqual(['deployments 0', 'deployments 1', 'deployments 2']);
  expect(placesOf('lives-short')).toEqual(['deployments 0', 'namespaces 0']);
});

it('gives every status its turn, also on a watch without events', () => {
  expect(placesOf('fails').filter((place) => place === 'namespaces 0')).toHaveLength(3);
});
