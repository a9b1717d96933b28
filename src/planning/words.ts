import type { PlanAction, PlanItem } from '../api/index.ts';

const WORDS: readonly (readonly [PlanAction, string])[] = [
  ['Create', 'to create'],
  ['Change', 'to change'],
  ['Recreate', 'to recreate'],
  ['Adopt', 'to adopt'],
  ['Prune', 'to prune'],
  ['Wait', 'to wait for'],
  ['Error', 'refused'],
];

/** `2 to create, 1 to change`; what is kept is not counted. */
export function describeItems(items: readonly Pick<PlanItem, 'action'>[]): string {
  const parts = WORDS.flatMap(([action, words]) => {
    const count = items.filter((item) => item.action === action).length;
    return count === 0 ? [] : [`${count} ${words}`];
  });
  return parts.length === 0 ? 'no object changes' : parts.join(', ');
}
