// A short campaign of generated changes, each followed by its revert: the state comes back every time. The long one is
// `npm run campaign`; see docs/reliability.md.
import { beforeAll, expect, test } from 'vitest';
import { kubeconfigConfig, OperatorClient } from '../src/kube/index.ts';
import { silentLogger } from '../src/observability/index.ts';
import { describeDifference, runCampaign } from '../test/campaign/campaign.ts';
import { installWidgets } from '../test/campaign/install.ts';
import { cluster, useOperator } from './support/index.ts';

const SEED = 1;
const CHANGES = 40;

const operated = useOperator();
beforeAll(() => installWidgets(cluster.kubectl));

test('the state comes back after each change and its revert', { timeout: 240_000 }, async () => {
  const admin = new OperatorClient({
    config: await kubeconfigConfig({ path: cluster.kubeconfigPath }),
    version: 'campaign',
    log: silentLogger(),
    now: Date.now,
    maxInFlight: 64,
  });
  try {
    const differences = await runCampaign({
      admin,
      seed: SEED,
      changes: Array.from({ length: CHANGES }, (_, at) => at + 1),
      limitMs: 45_000,
      signal: AbortSignal.timeout(230_000),
      restartOperator: async (how) => {
        if (how === 'at once') await operated.operator.kill9();
        await operated.operator.restart();
      },
      onDone: () => undefined,
    });
    expect(differences.map((difference) => describeDifference(SEED, difference))).toEqual([]);
  } finally {
    await admin.close();
  }
});
