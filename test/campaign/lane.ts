// One base and the changes made to it, one after the other: each is carried out, taken back, and the state is compared
// with that before. After a difference, or where something can't come back by design, it goes on in a fresh namespace.

import { messageOf } from '../../src/errors.ts';
import type { OperatorClient } from '../../src/kube/index.ts';
import { seededRandom } from '../simulation/random.ts';
import type { Base } from './bases.ts';
import { type Change, generateChange, type Scene } from './changes/index.ts';
import { differences, expectationOf, replacedObjects } from './compare.ts';
import { closeNamespace, openNamespace, restoreObjects } from './namespace.ts';
import { describeStanding, standingOf } from './settle.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';
import type { World } from './world.ts';

export interface LaneOptions {
  readonly admin: OperatorClient;
  readonly restartOperator: Scene['restartOperator'];
  readonly seed: number;
  /** How long the state may take to come back. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

export interface Difference {
  readonly change: number;
  readonly base: string;
  readonly label: string;
  readonly lines: readonly string[];
}

interface Ground {
  readonly world: World;
  /** The objects are those of the start, the uids those after the last change. */
  readonly before: Snapshot;
}

/** A change that is not reported by then is taken back all the same. */
const CARRY_OUT_LIMIT_MS = 4_000;
/** How many changes are taken back while they are being carried out. */
const HASTY_SHARE = 0.15;
const HASTY_LIMIT_MS = 400;
const QUIET_MS = 300;
const SEED_STEP = 1_000_003;

export class Lane {
  readonly #options: LaneOptions;
  readonly #base: Base;
  #world: World | undefined;
  #before: Snapshot | undefined;

  constructor(base: Base, options: LaneOptions) {
    this.#base = base;
    this.#options = options;
  }

  /** @returns what is different afterwards */
  async run(change: number): Promise<Difference | undefined> {
    const told = { label: 'none: the base was being made' };
    let lines: readonly string[];
    try {
      lines = await this.#runOn(await this.#open(), change, told);
    } catch (error) {
      this.#options.signal.throwIfAborted();
      const world = this.#world;
      const standing = world === undefined ? [] : [await describeStanding(world)];
      lines = [`the campaign failed: ${messageOf(error)}`, ...standing];
    }
    if (lines.length === 0) return undefined;
    await this.close();
    return { change, base: this.#base.name, label: told.label, lines };
  }

  async #runOn(ground: Ground, number: number, told: { label: string }): Promise<readonly string[]> {
    const { seed, restartOperator } = this.#options;
    const random = seededRandom(seed * SEED_STEP + number);
    const change = generateChange({ base: this.#base, before: ground.before, random, restartOperator });
    const isHasty = random.chance(HASTY_SHARE) && change.isPatient !== true;
    const waitMs = isHasty ? random.between(0, HASTY_LIMIT_MS) : undefined;
    told.label = `${change.label}${waitMs === undefined ? '' : ` (taken back after ${waitMs} ms)`}`;
    return await this.#tryOut(ground, change, waitMs);
  }

  async close(): Promise<void> {
    const world = this.#world;
    this.#world = undefined;
    this.#before = undefined;
    if (world !== undefined) await closeNamespace(world, this.#options.signal);
  }

  /** The namespace as it is, or a fresh one. */
  async #open(): Promise<Ground> {
    if (this.#world !== undefined && this.#before !== undefined)
      return { world: this.#world, before: this.#before };
    const { admin, signal, limitMs } = this.#options;
    const world = await openNamespace(admin, this.#base, signal);
    this.#world = world;
    const ready = await world.until(limitMs * 2, async () =>
      (await standingOf(world)) === 'ready' ? true : undefined,
    );
    if (ready === undefined) throw new Error(`base ${this.#base.name} does not get ready`);
    await world.pause(QUIET_MS);
    const before = await takeSnapshot(world);
    this.#before = before;
    return { world, before };
  }

  async #tryOut(ground: Ground, change: Change, waitMs: number | undefined): Promise<readonly string[]> {
    const { world } = ground;
    await change.act?.(world);
    const wrong =
      change.spec === undefined ? undefined : await wrongAnswer(world, change.spec, change.answer);
    await carryOut(world, change, waitMs);
    await restoreObjects(world, this.#base);
    await world.ensureSpec(this.#base.spec);
    await change.undo?.(world);
    const lines = await this.#compare(ground, change);
    return wrong === undefined ? lines : [wrong, ...lines];
  }

  /** Looks until the state has come back, or time is over. */
  async #compare({ world, before }: Ground, change: Change): Promise<readonly string[]> {
    let lines: readonly string[] = ['the Transform does not get ready again'];
    let isOther = false;
    let { uids } = before;
    const compared = await world.until(this.#options.limitMs, async () => {
      const standing = await standingOf(world);
      if (standing === 'gone') return 'gone';
      if (standing !== 'ready') return undefined;
      const now = await takeSnapshot(world);
      const expected = expectationOf(before, now, change);
      isOther = expected.isOther;
      uids = now.uids;
      const replaced = change.keepsObjects === true ? replacedObjects(before, now) : [];
      lines = [
        ...differences(expected.objects, now.objects),
        ...replaced.map((key) => `${key}: was deleted and made again`),
      ];
      return lines.length === 0 ? 'back' : undefined;
    });
    if (compared === 'gone') return ['the Transform was deleted after its spec was put back'];
    if (compared !== 'back') return [...lines, await describeStanding(world)];
    if (isOther) await this.close();
    else this.#before = { objects: before.objects, uids };
    return [];
  }
}

async function wrongAnswer(
  world: World,
  spec: NonNullable<Change['spec']>,
  answer: Change['answer'],
): Promise<string | undefined> {
  const refusal = await world.trySpec(spec);
  if (answer === 'refused' && refusal === undefined)
    return 'the API server takes a spec that its schema does not allow';
  return answer === 'accepted' && refusal !== undefined
    ? `the API server refuses a spec that its schema allows: ${refusal}`
    : undefined;
}

/** Waits until the change is carried out or reported; or only so long. */
async function carryOut(world: World, change: Change, waitMs: number | undefined): Promise<void> {
  if (waitMs !== undefined) {
    await world.pause(waitMs);
    return;
  }
  const limitMs = change.spec === undefined && change.isPatient !== true ? QUIET_MS : CARRY_OUT_LIMIT_MS;
  const isEnough = (standing: string): boolean =>
    change.spec === undefined ? false : standing !== 'working';
  await world.until(limitMs, async () => (isEnough(await standingOf(world)) ? true : undefined));
}
