// A short campaign of faults: every tenth point of every scenario. The whole ones are `npm run faults`; see
// docs/reliability.md. On a control plane of its own: at the end an operator looks after all namespaces, and says nothing.
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { withCluster } from '../bench/support/cluster.ts';
import { describeDifference, runCampaign } from '../test/faults/campaign-run.ts';
import { CAMPAIGNS } from '../test/faults/campaigns/index.ts';
import { withGround } from '../test/faults/ground.ts';
import { SCENARIOS } from '../test/faults/scenarios/index.ts';

const EVERY = 10;
const LANES = 6;
const SEED = 1;
const SILENCE_MS = 5_000;
const TIMEOUT_MS = 600_000;
const PROGRAM = resolve(process.env['PEQUOD_E2E_PROGRAM'] ?? 'src/cli/pequod.ts');

describe('a fault at a call changes neither where it ends nor what is made and deleted on the way', () => {
  test.each(CAMPAIGNS.filter(({ name }) => ['crash', 'response-lost'].includes(name)))(
    '$name',
    async (campaign) => {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const said: string[] = [];
      const result = await withCluster(
        { hasAudit: false },
        (line) => said.push(line),
        signal,
        (parts) =>
          withGround({ ...parts, program: PROGRAM, signal }, (ground) =>
            runCampaign(ground, campaign, SCENARIOS, {
              lanes: LANES,
              every: EVERY,
              seed: SEED,
              silenceMs: SILENCE_MS,
              onDone: async () => undefined,
            }),
          ),
      );
      expect(result.differences.map(describeDifference), said.join('\n')).toEqual([]);
      expect(result.noise).toEqual([]);
      expect(result.points).toBeGreaterThanOrEqual(SCENARIOS.length);
    },
    TIMEOUT_MS,
  );
});
