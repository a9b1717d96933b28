// A campaign over its scenarios, and the silence after it.
import type { Campaign } from './campaigns/index.ts';
import { awaitSilence } from './final-silence.ts';
import { Lanes } from './lanes.ts';
import { type Done, runPoints } from './points.ts';
import type { Ground } from './run.ts';
import type { Scenario } from './scenarios/index.ts';

export interface CampaignOptions {
  /** How many runs side by side. */
  readonly lanes: number;
  /** Only every so many-th point; 1 for all. */
  readonly every: number;
  /** Only this point. */
  readonly point?: string | undefined;
  readonly seed: number;
  /** How long it has to be silent at the end. */
  readonly silenceMs: number;
  readonly onDone: (done: Done) => Promise<void>;
}

export interface CampaignResult {
  readonly points: number;
  /** Points that were to be made and whose run never came to their call. */
  readonly skipped: number;
  readonly differences: readonly Done[];
  /** What was called in the silence at the end. */
  readonly noise: readonly string[];
}

/** So that, where not all points are made, those of the scenarios are of different phases. */
const STAGGER = 3;

export async function runCampaign(
  ground: Ground,
  campaign: Campaign,
  scenarios: readonly Scenario[],
  options: CampaignOptions,
): Promise<CampaignResult> {
  const { every } = options;
  const lanes = new Lanes(options.lanes);
  const tallies = await Promise.all(
    scenarios.map((scenario, at) => {
      const first = 1 + ((at * STAGGER) % every);
      return runPoints(ground, campaign, scenario, lanes, { ...options, first });
    }),
  );
  return {
    points: tallies.reduce((sum, { points }) => sum + points, 0),
    skipped: tallies.reduce((sum, { skipped }) => sum + skipped, 0),
    differences: tallies.flatMap(({ differences }) => differences),
    noise: await awaitSilence(ground, options.silenceMs),
  };
}

/** Several lines about a point, and how to see it again. */
export function describeDifference({ campaign, scenario, point, label, reached, lines }: Done): string {
  return [
    `${campaign} of ${scenario}, point ${point}: ${label}${reached === undefined ? '' : ` (${reached})`}`,
    ...lines.map((line) => `  ${line}`),
    `  again: npm run faults -- ${campaign} --scenario ${scenario} --point ${point}`,
    '',
  ].join('\n');
}
