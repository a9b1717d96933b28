// The operator is started onto an old view: its lists and watches show the state of some earlier version, as from an API
// server that lags behind, while its writes and its reads of single objects meet what there is.
// - `mid`: killed right after a write has landed, and started onto the state from before it.
// - `end`: when all is over, started onto the state after each of the writes.
// While the view is old nothing may be undone: in `end` no object changes at all. Then the view thaws.
import { setTimeout as delay } from 'node:timers/promises';
import { CONFIG_MAPS } from '../../../src/kube/index.ts';
import { standingOf } from '../../campaign/settle.ts';
import type { World } from '../../campaign/world.ts';
import type { SeenCall } from '../proxy/types.ts';
import type { ArmedFault, Campaign, FaultFreeRun, Series, Stage } from './campaign.ts';
import { describeCall } from './nth-call.ts';

const QUIET_MS = 3_000;
/** An operator that keeps trying has done its worst by then. */
const LONGEST_VIEW_MS = 20_000;
const POLL_MS = 100;

export const stale: Campaign = {
  name: 'stale',
  series: (faultFree) => [atEachWrite(faultFree, 'mid', armMid), atEachWrite(faultFree, 'end', armEnd)],
};

function atEachWrite(
  { calls }: FaultFreeRun,
  name: string,
  arm: (stage: Stage, number: number) => ArmedFault,
): Series {
  return {
    prefix: `${name}-`,
    length: { about: calls.filter(isOwnWrite).length },
    at: (number) => ({
      id: `${name}-${number}`,
      label: `started onto the state ${name === 'mid' ? 'before' : 'after'} write ${number}`,
      arm: (stage) => arm(stage, number),
    }),
  };
}

function armMid(stage: Stage, number: number): ArmedFault {
  const { proxy, world } = stage;
  const beginning = versionNow(world);
  const view = new OldView(stage);
  let count = 0;
  let hit: SeenCall | undefined;
  proxy.inject({
    matches: (call) => {
      if (!isOwnWrite(call)) return false;
      count += 1;
      if (count !== number) return false;
      hit = call;
      return true;
    },
    fault: {
      type: 'kill',
      when: 'after',
      kill: () => {
        const earlier = landedVersions(proxy.calls.filter((call) => call !== hit));
        view.show(beginning.then((version) => earlier.at(-1) ?? version));
      },
    },
  });
  return {
    reached: () => (hit === undefined ? undefined : describeCall(hit)),
    isUnderWay: () => view.isUnderWay,
  };
}

function armEnd(stage: Stage, number: number): ArmedFault {
  const { proxy, world, scenario } = stage;
  const view = new OldView(stage);
  let hit: SeenCall | undefined;
  let isOver = false;
  const run = async (): Promise<void> => {
    await untilCalled(stage, performance.now());
    do await untilQuiet(stage, performance.now());
    while ((await standingOf(world)) !== scenario.end);
    const own = proxy.calls.filter((call) => isOwnWrite(call) && call.landed?.resourceVersion !== undefined);
    hit = own[number - 1];
    const version = hit?.landed?.resourceVersion;
    if (version !== undefined) view.show(Promise.resolve(version));
    isOver = true;
  };
  void run().catch(() => {
    isOver = true;
  });
  return {
    reached: () => (hit === undefined ? undefined : describeCall(hit)),
    isUnderWay: () => !isOver || view.isUnderWay,
    verify: () => view.effects(),
  };
}

/** A life of the operator that begins with an old view, and the end of that view. */
class OldView {
  readonly #stage: Stage;
  #isUnderWay = false;
  #span: { readonly fromMs: number; readonly toMs: number; readonly version: string } | undefined;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  show(version: Promise<string>): void {
    this.#isUnderWay = true;
    void this.#show(version).finally(() => {
      this.#isUnderWay = false;
    });
  }

  /** What the operator's writes changed while the view was old. */
  effects(): readonly string[] {
    const span = this.#span;
    if (span === undefined) return [];
    return this.#stage.proxy.calls
      .filter((call) => {
        const { landed } = call;
        if (!isOwnWrite(call) || landed === undefined || landed.status >= 300) return false;
        if (call.receivedAtMs < span.fromMs || call.receivedAtMs > span.toMs) return false;
        const { resourceVersion } = landed;
        return resourceVersion === undefined || BigInt(resourceVersion) > BigInt(span.version);
      })
      .map((call) => `changed while the view was old: ${describeCall(call)}`);
  }

  async #show(wanted: Promise<string>): Promise<void> {
    const { proxy, world, kill } = this.#stage;
    const [version, newest] = await Promise.all([wanted, versionNow(world)]);
    const thaw = proxy.freeze(version);
    const fromMs = performance.now();
    try {
      kill();
      await untilCalled(this.#stage, fromMs);
      await untilQuiet(this.#stage, performance.now());
    } finally {
      this.#span = { fromMs, toMs: performance.now(), version: newest };
      thaw();
    }
  }
}

function isOwnWrite({ isWrite, isLease }: SeenCall): boolean {
  return isWrite && !isLease;
}

/** Versions of what was written, in the order in which it landed. */
function landedVersions(calls: readonly SeenCall[]): readonly string[] {
  return calls
    .flatMap(({ landed }) => (landed?.resourceVersion === undefined ? [] : [landed]))
    .sort((a, b) => a.atMs - b.atMs)
    .flatMap(({ resourceVersion }) => (resourceVersion === undefined ? [] : [resourceVersion]));
}

async function versionNow(world: World): Promise<string> {
  const options = { namespace: world.namespace, pageSize: 1 };
  for await (const page of world.admin.list(CONFIG_MAPS, options, world.signal)) return page.resourceVersion;
  throw new Error('a list without a page');
}

/** Until the operator, started anew, has begun to call. */
async function untilCalled({ proxy, world }: Stage, sinceMs: number): Promise<void> {
  while (!proxy.calls.some(({ receivedAtMs }) => receivedAtMs > sinceMs)) {
    await delay(POLL_MS, undefined, { signal: world.signal });
  }
}

/** Until nothing but watches has been called for a while; not longer than the longest view. */
async function untilQuiet({ proxy, world }: Stage, sinceMs: number): Promise<void> {
  for (;;) {
    const lastMs = proxy.calls
      .filter(({ verb, isLease }) => verb !== 'watch' && !isLease)
      .reduce((latest, { receivedAtMs }) => Math.max(latest, receivedAtMs), sinceMs);
    const nowMs = performance.now();
    if (nowMs - lastMs > QUIET_MS || nowMs - sinceMs > LONGEST_VIEW_MS) return;
    await delay(POLL_MS, undefined, { signal: world.signal });
  }
}
