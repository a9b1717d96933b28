import type { JsonObject } from '../../../src/json/index.ts';
import type { Random } from '../../simulation/random.ts';
import type { Base } from '../bases.ts';
import type { Snapshot } from '../snapshot.ts';
import type { World } from '../world.ts';

/** One thing that happens to a Transform that is Ready, and how it is taken back. */
export interface Change {
  /** What it is, in one line. */
  readonly label: string;
  /** What users want of the Transform from then on. */
  readonly spec?: JsonObject;
  /** What the API server has to say to that spec; absent where either is right. */
  readonly answer?: 'accepted' | 'refused';
  /** What happens besides, before that. */
  readonly act?: (world: World) => Promise<void>;
  /** What users have to do besides putting the old spec back, after that. @throws Error where it should not be needed */
  readonly undo?: (world: World) => Promise<void>;
  /** It is taken back only after it was carried out. */
  readonly isPatient?: boolean;
  /** Objects must be the very same ones afterwards. */
  readonly keepsObjects?: boolean;
  /** Keys of objects that the Transform has to let go. */
  readonly released?: readonly string[];
  /** The graph's status is lost, or a part of it, and with it what only it knew. */
  readonly losesStatus?: boolean;
}

/** What a change is made for. */
export interface Scene {
  readonly base: Base;
  readonly before: Snapshot;
  readonly random: Random;
  /** Ends the operator, by its leave or at once, and starts it again. */
  readonly restartOperator: (how: 'at once' | 'gracefully') => Promise<void>;
}

/** @throws Error where there is none */
export function pickFrom<T>(random: Random, items: readonly T[]): T {
  const [first, ...rest] = items;
  if (first === undefined) throw new Error('there is nothing to pick from');
  return random.pick([first, ...rest]);
}

export function clipped(text: string, length: number = 120): string {
  return text.length > length ? `${text.slice(0, length)}… (${text.length})` : text;
}
