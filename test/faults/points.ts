// One scenario's share of a campaign: the run without a fault, then one for each point.
import { messageOf } from '../../src/errors.ts';
import { closeNamespace } from '../campaign/namespace.ts';
import type { Campaign, Point } from './campaigns/index.ts';
import { Cursor } from './cursor.ts';
import type { Lanes } from './lanes.ts';
import { type Ground, type Passage, type RunResult, runScenario } from './run.ts';
import type { Scenario } from './scenarios/index.ts';

export interface PointsOptions {
  /** Only every so many-th point; 1 for all. */
  readonly every: number;
  /** The number of the first one in each series, from 1. */
  readonly first: number;
  /** Only this point. */
  readonly point?: string | undefined;
  readonly seed: number;
  readonly onDone: (done: Done) => Promise<void>;
}

/** A point that was made. */
export interface Done {
  readonly campaign: string;
  readonly scenario: string;
  readonly point: string;
  readonly label: string;
  /** What the fault was put upon; undefined where the run came to no such call. */
  readonly reached: string | undefined;
  readonly lines: readonly string[];
  /** Undefined where the run failed before it was over. */
  readonly logPath: string | undefined;
  readonly seconds: number;
}

export interface Tally {
  readonly points: number;
  /** Points that were to be made and whose run never came to their call. */
  readonly skipped: number;
  readonly differences: readonly Done[];
}

export async function runPoints(
  shared: Ground,
  campaign: Campaign,
  scenario: Scenario,
  lanes: Lanes,
  options: PointsOptions,
): Promise<Tally> {
  const ground = { ...shared, flags: campaign.flags ?? [] };
  const plain = await lanes.use(() => runWithoutFault(ground, campaign, scenario));
  if ('done' in plain) {
    await options.onDone(plain.done);
    return { points: 0, skipped: 0, differences: [plain.done] };
  }
  const { expected } = plain;
  const cursors = campaign
    .series({ scenario, calls: expected.calls, watches: expected.watches, seed: options.seed })
    .map((series) => new Cursor(series, options));
  const all: { readonly cursor: Cursor; readonly done: Done }[] = [];
  const make = async (cursor: Cursor, point: Point): Promise<void> => {
    const { done } = await makePoint(ground, campaign, scenario, point, expected);
    cursor.done(point, done.reached !== undefined);
    all.push({ cursor, done });
    await options.onDone(done);
  };
  await inLanes(lanes, cursors, make);
  return {
    points: all.filter(({ done }) => done.reached !== undefined).length,
    skipped: all.filter(({ done, cursor }) => done.reached === undefined && cursor.isExact).length,
    differences: all.map(({ done }) => done).filter(({ lines }) => lines.length > 0),
  };
}

/** @returns the run that all others have to be like; or what is wrong with it already */
async function runWithoutFault(
  ground: Ground,
  campaign: Campaign,
  scenario: Scenario,
): Promise<{ readonly expected: Passage } | { readonly done: Done }> {
  const plain: Point = { id: 'none', label: 'without a fault', arm: () => ({ reached: () => undefined }) };
  const { done, passage } = await makePoint(ground, campaign, scenario, plain, undefined);
  return done.lines.length > 0 || passage === undefined ? { done } : { expected: passage };
}

/** Makes points until no cursor has another one. */
async function inLanes(
  lanes: Lanes,
  cursors: readonly Cursor[],
  make: (cursor: Cursor, point: Point) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  for (;;) {
    const giveBack = await lanes.take();
    const next = nextOf(cursors);
    if (next === undefined) {
      giveBack();
      if (underWay.size === 0) return;
      await Promise.race(underWay);
      continue;
    }
    const made = make(next.cursor, next.point).finally(() => {
      giveBack();
      underWay.delete(made);
    });
    underWay.add(made);
  }
}

function nextOf(cursors: readonly Cursor[]): { readonly cursor: Cursor; readonly point: Point } | undefined {
  for (const cursor of cursors) {
    const point = cursor.next();
    if (point !== undefined) return { cursor, point };
  }
  return undefined;
}

async function makePoint(
  ground: Ground,
  campaign: Campaign,
  scenario: Scenario,
  point: Point,
  expected: Passage | undefined,
): Promise<{ readonly done: Done; readonly passage: Passage | undefined }> {
  const startedAtMs = performance.now();
  const named = { campaign: campaign.name, scenario: scenario.name, point: point.id, label: point.label };
  const seconds = (): number => Math.round((performance.now() - startedAtMs) / 100) / 10;
  let result: RunResult;
  try {
    result = await runScenario(ground, scenario, point, expected);
  } catch (error) {
    ground.signal.throwIfAborted();
    const lines = [`the run failed: ${messageOf(error)}`];
    const done = { ...named, reached: undefined, lines, logPath: undefined, seconds: seconds() };
    return { done, passage: undefined };
  }
  const { world, reached, lines, logPath, passage } = result;
  // What is as it has to be stays, for the silence at the end.
  if (lines.length > 0) await closeNamespace(world, ground.signal);
  return { done: { ...named, reached, lines, logPath, seconds: seconds() }, passage };
}
