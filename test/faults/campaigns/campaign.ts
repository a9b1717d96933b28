// What a campaign is: for each scenario, series of points. A point is one fault, put upon one run of the scenario.
import type { World } from '../../campaign/world.ts';
import type { FaultProxy, SeenCall } from '../proxy/types.ts';
import type { Scenario } from '../scenarios/index.ts';

/** A run that is about to begin: everything is counted from here. */
export interface Stage {
  readonly scenario: Scenario;
  readonly world: World;
  readonly proxy: FaultProxy;
  /** Ends the operator as a crash does. Another one is started in its place, as a kubelet would. */
  kill(): void;
}

/** The run of a scenario that nothing was done to. */
export interface FaultFreeRun {
  readonly scenario: Scenario;
  /** Every call, in order. */
  readonly calls: readonly SeenCall[];
  /** Every watch, by {@link watchOf}, and how many events came on it after its initial list. */
  readonly watches: ReadonlyMap<string, number>;
  /** What campaigns that choose at random choose by. */
  readonly seed: number;
}

/** A fault that waits for its call. */
export interface ArmedFault {
  /** What it was put upon, in words; undefined where the run came to no such call. */
  reached(): string | undefined;
  /** What else has to hold at the end, beside what every run has to lead to. @returns a line for each thing that does not */
  verify?(run: { readonly calls: readonly SeenCall[] }): readonly string[];
  /** Whether something of the fault is still to come or to be taken away: until then nothing counts as settled. */
  isUnderWay?(): boolean;
}

export interface Point {
  /** Names the point within its scenario: `--point <id>` makes it again. */
  readonly id: string;
  readonly label: string;
  /** Puts the fault in place, before the action of the scenario, or before the operator's start where that is the action. */
  arm(stage: Stage): ArmedFault;
}

export interface Series {
  /** Before the number in the ids of its points; may be empty. */
  readonly prefix: string;
  /** How many points there are: so many, or as many as runs come to, which is about this number. */
  readonly length: { readonly exactly: number } | { readonly about: number };
  /** @param number from 1 */
  at(number: number): Point;
}

export interface Campaign {
  readonly name: string;
  /** Further flags of the operator. */
  readonly flags?: readonly string[];
  series(faultFree: FaultFreeRun): readonly Series[];
}
