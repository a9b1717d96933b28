// A day on which a little of everything goes wrong between the operator and its API server: each call may be answered
// with an error, lost, cut or late, each watch may break. Who holds a Lease is left alone: that is another story.
import type { Fault, FaultProxy, SeenCall } from '../../test/faults/proxy/index.ts';
import type { Random } from '../../test/simulation/random.ts';

interface Trouble {
  readonly fault: Fault;
  /** Of all calls that it can happen to. */
  readonly share: number;
  readonly canHappenTo: (call: SeenCall) => boolean;
}

const isShort = (call: SeenCall): boolean => call.verb !== 'watch' && !call.isLease;
const isWatch = (call: SeenCall): boolean => call.verb === 'watch' && !call.isLease;

const TROUBLES: readonly Trouble[] = [
  { fault: { type: 'status', status: 429, retryAfterSeconds: 1 }, share: 0.01, canHappenTo: isShort },
  { fault: { type: 'status', status: 500 }, share: 0.01, canHappenTo: isShort },
  { fault: { type: 'status', status: 503 }, share: 0.01, canHappenTo: isShort },
  { fault: { type: 'status', status: 504 }, share: 0.005, canHappenTo: isShort },
  {
    fault: { type: 'status', status: 409 },
    share: 0.005,
    canHappenTo: (call) => call.isWrite && isShort(call),
  },
  { fault: { type: 'response-lost' }, share: 0.01, canHappenTo: isShort },
  { fault: { type: 'reset' }, share: 0.01, canHappenTo: isShort },
  { fault: { type: 'cut', afterBytes: 40 }, share: 0.005, canHappenTo: isShort },
  { fault: { type: 'truncated-json' }, share: 0.005, canHappenTo: isShort },
  { fault: { type: 'delay', ms: 2_000 }, share: 0.01, canHappenTo: isShort },
  { fault: { type: 'gone' }, share: 0.1, canHappenTo: isWatch },
  { fault: { type: 'error-frame', status: 500 }, share: 0.2, canHappenTo: isWatch },
  { fault: { type: 'end-stream', isInsideFrame: true }, share: 0.2, canHappenTo: isWatch },
  { fault: { type: 'end-stream', isInsideFrame: false }, share: 0.2, canHappenTo: isWatch },
];

/** @returns what ends it, and says how many calls it was put upon */
export function beginTrouble(proxy: FaultProxy, random: Random): () => number {
  proxy.restartCount();
  const ends = TROUBLES.map(({ fault, share, canHappenTo }) =>
    proxy.inject({
      matches: (call) => canHappenTo(call) && random.chance(share),
      fault,
      times: Number.POSITIVE_INFINITY,
    }),
  );
  return () => {
    for (const end of ends) end();
    return proxy.calls.filter((call) => call.fault !== undefined).length;
  };
}
