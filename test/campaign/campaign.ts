// The changes of a campaign, spread over the bases, which work side by side. Which base a change is made to, and what it
// is, follows from the seed and its number alone; what came before it in the same namespace is its history.
import { seededRandom } from '../simulation/random.ts';
import { BASES, type Base } from './bases.ts';
import { type Difference, Lane, type LaneOptions } from './lane.ts';

export interface CampaignOptions extends LaneOptions {
  /** Numbers of the changes. */
  readonly changes: readonly number[];
  readonly onDone: (change: number, difference: Difference | undefined) => void;
}

const SEED_STEP = 7_919;

/** @returns all differences that were found, by number */
export async function runCampaign(options: CampaignOptions): Promise<readonly Difference[]> {
  const numbers = new Map<Base, number[]>();
  for (const change of options.changes) {
    const base = baseOf(options.seed, change);
    numbers.set(base, [...(numbers.get(base) ?? []), change]);
  }
  const found = await Promise.all(
    [...numbers].map(async ([base, changes]) => {
      const lane = new Lane(base, options);
      const differences: Difference[] = [];
      for (const change of changes) {
        const difference = await lane.run(change);
        if (difference !== undefined) differences.push(difference);
        options.onDone(change, difference);
      }
      await lane.close();
      return differences;
    }),
  );
  return found.flat().sort((a, b) => a.change - b.change);
}

function baseOf(seed: number, change: number): Base {
  const [first] = BASES;
  const total = BASES.reduce((sum, { weight }) => sum + weight, 0);
  let left = seededRandom(seed * SEED_STEP + change).next() * total;
  for (const base of BASES) {
    left -= base.weight;
    if (left < 0) return base;
  }
  return first;
}

/** Several lines about a difference, and how to see it again. */
export function describeDifference(seed: number, { change, base, label, lines }: Difference): string {
  return [
    `change ${change} of ${base}: ${label}`,
    ...lines.map((line) => `  ${line}`),
    `  again: npm run campaign -- --seed ${seed} --change ${change}`,
    '',
  ].join('\n');
}
