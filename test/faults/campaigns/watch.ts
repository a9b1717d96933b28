// Each watch goes wrong after each of its events: it falls silent, loses two events, says that it can't go on, ends, is
// too old when it is opened again, or never lives for long.
// - A watch that falls silent is found out by the operator itself: by what it owes, by its bookmarks, at the latest by
//   the end of its time, which is short here.
// - Lost events are nothing that it can find out: every later event looks as it should. What has to hold is that nothing
//   wrong is done meanwhile, and that the next list heals it. So such a watch is made to list again a while later.
import { setTimeout as delay } from 'node:timers/promises';
import type { WaitingStrike, WatchFault } from '../proxy/types.ts';
import type { ArmedFault, Campaign, FaultFreeRun, Point, Series, Stage } from './campaign.ts';
import { watchOf } from './watches.ts';

/** One place where a watch may go wrong. */
interface Place {
  readonly watch: string;
  /** So many events have come on it. */
  readonly after: number;
}

type Arm = (stage: Stage, place: Place) => ArmedFault;

/** For how long events stay lost: long enough to do with them what is wrong. */
const LOST_MS = 4_000;
const SHORT_LIFE_MS = 300;
const ERROR_STATUSES = [410, 429, 500] as const;

export const watch: Campaign = {
  name: 'watch',
  flags: ['--watch-timeout', '20s'],
  series: ({ watches }) => [
    at('stalls', placesOf(watches, 0), [struckBy('stall')]),
    at('loses', placesOf(watches, 2), [loses]),
    at('fails', placesOf(watches, 0, ERROR_STATUSES.length), ERROR_STATUSES.map(failsWith)),
    at('ends', placesOf(watches, 0, 2), [struckBy('end-stream'), endsAndIsTooOld]),
    at('breaks', placesOf(watches, 1), [breaksInside]),
    at(
      'lives-short',
      [...watches.keys()].map((name) => ({ watch: name, after: 0 })),
      [livesShort],
    ),
  ],
};

/**
 * All places of all watches, where at least so many events are still to come.
 * @param atLeast how many there are of each watch, so that each fault has its turn on it
 */
function placesOf(watches: FaultFreeRun['watches'], toCome: number, atLeast: number = 1): readonly Place[] {
  return [...watches].flatMap(([name, events]) => {
    const afters = Array.from({ length: Math.max(0, events - toCome + 1) }, (_, after) => after);
    while (afters.length > 0 && afters.length < atLeast) afters.push(afters.at(-1) ?? 0);
    return afters.map((after) => ({ watch: name, after }));
  });
}

/** One series: at each place one of the faults, in turns. */
function at(name: string, places: readonly Place[], arms: readonly Arm[]): Series {
  const pointAt = (number: number): Point => {
    const place = places[(number - 1) % places.length] ?? { watch: 'none', after: 0 };
    const arm = arms[(number - 1) % arms.length] ?? loses;
    return {
      id: `${name}-${number}`,
      label: `the watch of ${place.watch} ${name} after ${place.after} events`,
      arm: (stage) => (number > places.length ? neverReached() : arm(stage, place)),
    };
  };
  return { prefix: `${name}-`, length: { about: places.length }, at: pointAt };
}

function struckBy(type: 'stall' | 'end-stream'): Arm {
  const fault = (after: number): WatchFault =>
    type === 'stall' ? { type, afterEvents: after } : { type, afterEvents: after, isInsideFrame: false };
  return (stage, place) => reachedBy(place, inject(stage, place, fault(place.after)));
}

function failsWith(status: 410 | 429 | 500): Arm {
  return (stage, place) =>
    reachedBy(place, inject(stage, place, { type: 'error-frame', status, afterEvents: place.after }));
}

const breaksInside: Arm = (stage, place) =>
  reachedBy(
    place,
    inject(stage, place, { type: 'end-stream', isInsideFrame: true, afterEvents: place.after }),
  );

/** Ends, and when it is opened again the version to go on from is gone. */
const endsAndIsTooOld: Arm = (stage, place) => {
  const fault = { type: 'end-stream', isInsideFrame: false, afterEvents: place.after } as const;
  const strike = inject(stage, place, fault);
  stage.proxy.inject({
    matches: (call) => strike.struck !== undefined && watchOf(call) === place.watch,
    fault: { type: 'gone' },
  });
  return reachedBy(place, strike);
};

const loses: Arm = (stage, place) => {
  const strike = inject(stage, place, { type: 'drop-events', count: 2, afterEvents: place.after });
  let isHealed = false;
  void strike.whenStruck.then(async () => {
    await delay(LOST_MS, undefined, { ref: false });
    strike.end();
    // Where nobody watches any more, nobody has to list again.
    inject(stage, place, { type: 'error-frame', status: 410 });
    isHealed = true;
  });
  return {
    ...reachedBy(place, strike),
    isUnderWay: () => strike.struck !== undefined && !isHealed,
  };
};

/** Whatever is opened for this watch ends at once, through the whole run. */
const livesShort: Arm = (stage, place) => {
  const fault = { type: 'end-stream', isInsideFrame: false, afterMs: SHORT_LIFE_MS } as const;
  const first = inject(stage, place, fault);
  stage.proxy.inject({
    matches: (call) => watchOf(call) === place.watch,
    fault,
    times: Number.POSITIVE_INFINITY,
  });
  return reachedBy(place, first);
};

function inject({ proxy }: Stage, place: Place, fault: WatchFault): WaitingStrike {
  return proxy.injectIntoWatches({ matches: (call) => watchOf(call) === place.watch, fault });
}

function reachedBy(place: Place, strike: WaitingStrike): ArmedFault {
  return {
    reached: () =>
      strike.struck === undefined ? undefined : `${strike.struck.path} after ${place.after} events`,
  };
}

function neverReached(): ArmedFault {
  return { reached: () => undefined };
}
