// The plainest series: one fault at the first, second, third … of the calls that it may be put upon.
import type { Fault, SeenCall } from '../proxy/types.ts';
import type { ArmedFault, FaultFreeRun, Series, Stage } from './campaign.ts';

export interface NthCallOptions {
  readonly prefix: string;
  /** In words: what happens, e.g. `killed after`. */
  readonly what: string;
  /** Which calls count. Default: all. */
  readonly isOne?: (call: SeenCall) => boolean;
  readonly fault: (stage: Stage) => Fault;
}

/** Goes on until a run ends before it comes to such a call, so that none is left out. */
export function atEachCall(faultFree: FaultFreeRun, options: NthCallOptions): Series {
  const { prefix, what, isOne = () => true } = options;
  return {
    prefix,
    length: { about: faultFree.calls.filter(isOne).length },
    at: (number) => ({
      id: `${prefix}${number}`,
      label: `${what} ${number}`,
      arm: (stage) => armAt(stage, number, isOne, options.fault(stage)),
    }),
  };
}

function armAt(
  { proxy }: Stage,
  number: number,
  isOne: (call: SeenCall) => boolean,
  fault: Fault,
): ArmedFault {
  let seen = 0;
  let hit: SeenCall | undefined;
  proxy.inject({
    matches: (call) => {
      if (!isOne(call)) return false;
      seen += 1;
      if (seen !== number) return false;
      hit = call;
      return true;
    },
    fault,
  });
  return { reached: () => (hit === undefined ? undefined : describeCall(hit)) };
}

/** In one line, as whom it was made included. */
export function describeCall(call: SeenCall): string {
  const { number, method, path, impersonated } = call;
  const who = impersonated === undefined ? '' : ` as ${impersonated}`;
  return `call ${number}, ${method} ${path}${who}`;
}
