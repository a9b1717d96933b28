// One call meets one fault: each fault at the first call of each class, and at a tenth of all calls, which a seed chooses.
// Besides what every run has to lead to:
// - a call that was told to wait is not made again before, nor is any other of its flow;
// - the whole run takes at most twice the calls of the run without a fault, those that the fault answered included.
import { createHash } from 'node:crypto';
import type { SeenCall } from '../proxy/types.ts';
import { CALL_FAULTS, type CallFault } from './call-faults.ts';
import type { ArmedFault, Campaign, FaultFreeRun, Point, Series, Stage } from './campaign.ts';
import { describeCall } from './nth-call.ts';

/** One in so many pairs of a call and a fault. */
const PART = 10;
const MAX_RATIO = 2;
/** Calls of the flow may be on their way when the answer comes. */
const ON_THE_WAY_MS = 250;

export const statusCodes: Campaign = {
  name: 'status-codes',
  series: (faultFree) => [
    ...CALL_FAULTS.map((fault) => atEachClass(faultFree, fault)),
    atChosenPairs(faultFree),
  ],
};

/** `429-3`: a 429 for the first call of the third class. */
function atEachClass(faultFree: FaultFreeRun, fault: CallFault): Series {
  const classes = [...new Set(faultFree.calls.filter((call) => canMeet(fault, call)).map(classOf))].sort();
  return {
    prefix: `${fault.name}-`,
    length: { exactly: classes.length },
    at: (number) => {
      const wanted = classes[number - 1] ?? '';
      return pointOf(`${fault.name}-${number}`, fault, faultFree, wanted, (call) => classOf(call) === wanted);
    },
  };
}

/** `pair-3`: the third pair of a call's number and a fault that the seed chooses. */
function atChosenPairs(faultFree: FaultFreeRun): Series {
  const { calls } = faultFree;
  const pairs = pairsOf(faultFree);
  const known: { readonly number: number; readonly fault: CallFault }[] = [];
  const nth = (index: number): { readonly number: number; readonly fault: CallFault } => {
    while (known.length <= index) known.push(pairs.next().value);
    return known[index] ?? nth(index);
  };
  let about = 0;
  while (nth(about).number <= calls.length) about += 1;
  return {
    prefix: 'pair-',
    length: { about },
    at: (place) => {
      const { number, fault } = nth(place - 1);
      let seen = 0;
      const isIt = (): boolean => {
        seen += 1;
        return seen === number;
      };
      return pointOf(`pair-${place}`, fault, faultFree, `call ${number}`, isIt);
    },
  };
}

function* pairsOf({
  seed,
  scenario,
}: FaultFreeRun): Generator<{ readonly number: number; readonly fault: CallFault }, never> {
  for (let number = 1; ; number += 1) {
    for (const fault of CALL_FAULTS) {
      const text = `${seed}/${scenario.name}/${number}/${fault.name}`;
      if (createHash('sha256').update(text).digest().readUInt32BE() % PART === 0) yield { number, fault };
    }
  }
}

function pointOf(
  id: string,
  fault: CallFault,
  faultFree: FaultFreeRun,
  where: string,
  isIt: (call: SeenCall) => boolean,
): Point {
  return {
    id,
    label: `${fault.name} at ${where}`,
    arm: (stage) => arm(stage, fault, faultFree, isIt),
  };
}

function arm(
  { proxy }: Stage,
  { fault, holdMs }: CallFault,
  { calls: expected }: FaultFreeRun,
  isIt: (call: SeenCall) => boolean,
): ArmedFault {
  let hit: SeenCall | undefined;
  proxy.inject({
    matches: (call) => {
      if (call.isLease || !isIt(call)) return false;
      hit = call;
      return true;
    },
    fault,
  });
  return {
    reached: () => (hit === undefined ? undefined : describeCall(hit)),
    verify: ({ calls }) => [
      ...(hit === undefined || holdMs === undefined ? [] : tooEarly(hit, holdMs, calls)),
      ...tooMany(counted(calls), counted(expected)),
    ],
  };
}

function tooEarly(hit: SeenCall, holdMs: number, calls: readonly SeenCall[]): readonly string[] {
  const toldAtMs = hit.delivered?.atMs ?? hit.receivedAtMs;
  return calls
    .filter((call) => call !== hit && flowOf(call) === flowOf(hit))
    .filter(({ receivedAtMs, method, path }) => {
      const isSame = method === hit.method && path === hit.path;
      const fromMs = toldAtMs + (isSame ? 0 : ON_THE_WAY_MS);
      return receivedAtMs > fromMs && receivedAtMs < toldAtMs + holdMs;
    })
    .map(
      (call) =>
        `${Math.round(call.receivedAtMs - toldAtMs)} ms after it was told to wait ${holdMs} ms: ${describeCall(call)}`,
    );
}

function tooMany(calls: readonly SeenCall[], expected: readonly SeenCall[]): readonly string[] {
  if (calls.length <= MAX_RATIO * expected.length) return [];
  const told = calls.map((call) => `\n    ${call.delivered?.status ?? '-'} ${describeCall(call)}`);
  return [`${calls.length} calls, ${expected.length} without a fault:${told.join('')}`];
}

/** As the server counts: by user; leases and questions whether it is ready are no part of that. */
function flowOf({ isLease, path, impersonated }: SeenCall): string {
  return isLease ? 'leases' : path === '/readyz' ? path : (impersonated ?? '');
}

function counted(calls: readonly SeenCall[]): readonly SeenCall[] {
  return calls.filter(({ isLease }) => !isLease);
}

function canMeet({ fault }: CallFault, { verb, isLease }: SeenCall): boolean {
  return !isLease && (fault.type !== 'truncated-json' || verb !== 'watch');
}

/** Verb, resource and subresource; of discovery the path. */
function classOf({ verb, resource, subresource, path }: SeenCall): string {
  if (verb === 'discovery') return `discovery ${path}`;
  return `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`;
}
