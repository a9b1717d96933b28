import { describe, expect, it } from 'vitest';
import { silentLogger } from '../observability/index.ts';
import { ManualClock } from '../runtime/manual-clock.ts';
import type { ProbeFinding } from './answer.ts';
import { type ProbeOwner, Probes, type WantedProbe } from './probes.ts';
import { Turns } from './turns.ts';

const owner: ProbeOwner = { uid: 'g', key: { namespace: 'shop', name: 'web' } };
const good: ProbeFinding = { state: 'ready', reason: 'Ready', message: 'answers' };
const bad: ProbeFinding = { state: 'waiting', reason: 'ProbeNotReady', message: 'refused' };

function flush(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function setUp(answers: readonly ProbeFinding[] = []) {
  const clock = new ManualClock();
  const probes = new Probes({ clock, random: () => 0.5, log: silentLogger() });
  const changes: string[] = [];
  probes.onChange(({ namespace, name }) => changes.push(`${namespace}/${name}`));
  const left = [...answers];
  const asked: number[] = [];
  let last = good;
  const wanted = (more: Partial<WantedProbe> = {}): WantedProbe => ({
    nodeId: 'app',
    key: 'k',
    intervalMs: 10_000,
    firstInMs: 0,
    ask: async () => {
      asked.push(clock.now());
      last = left.shift() ?? last;
      return last;
    },
    ...more,
  });
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at <= ms; at += 500) {
      clock.advance(at === 0 ? 0 : 500);
      await flush();
    }
  };
  return { clock, probes, changes, asked, wanted, pass };
}

describe('probes', () => {
  it('are asked at their interval, and only a change of the answer is told', async () => {
    const { probes, changes, asked, wanted, pass } = setUp([bad, bad, good, good]);
    probes.want(owner, [wanted()]);
    await pass(40_500);
    expect(asked).toEqual([0, 10_000, 20_000, 30_000, 40_000]);
    expect(changes).toHaveLength(2);
    expect(probes.answerOf(owner, 'app', 'k')).toBe(good);
  });

  it('are asked less often once the node is ready, and soon again when it is not', async () => {
    const { probes, asked, wanted, pass } = setUp();
    probes.want(owner, [wanted({ intervalMs: 60_000 })]);
    await pass(1_000);
    await pass(20_000);
    probes.want(owner, [wanted({ intervalMs: 10_000 })]);
    await pass(10_000);
    expect(asked).toEqual([0, 31_000]);
  });

  it('believe a bad answer after a good one only when it is given twice', async () => {
    const { probes, changes, asked, wanted, pass } = setUp([good, bad, good, bad, bad]);
    probes.want(owner, [wanted({ confirmInMs: 1_000 })]);
    await pass(12_000);
    expect(asked).toEqual([0, 10_000, 11_000]);
    expect([changes.length, probes.answerOf(owner, 'app', 'k')]).toEqual([1, good]);
    await pass(12_000);
    expect([changes.length, probes.answerOf(owner, 'app', 'k')]).toEqual([2, bad]);
  });

  it('drop an answer to a question from before the last apply', async () => {
    const { probes, changes, wanted, pass } = setUp();
    let answer: (finding: ProbeFinding) => void = () => undefined;
    const slow = wanted({ ask: () => new Promise((resolve) => (answer = resolve)) });
    probes.want(owner, [slow]);
    await pass(500);
    probes.renew(owner, 'app');
    answer(good);
    await flush();
    expect([changes, probes.answerOf(owner, 'app', 'k')]).toEqual([[], undefined]);
    probes.want(owner, [wanted()]);
    await pass(500);
    expect(probes.answerOf(owner, 'app', 'k')).toBe(good);
  });

  it('end when they are not wanted any more, with their graph, and with another graph of the same name', async () => {
    const { clock, probes, asked, wanted, pass } = setUp();
    probes.want(owner, [wanted(), wanted({ key: 'other' })]);
    await pass(500);
    probes.want(owner, [wanted()]);
    expect(clock.timers).toBe(1);
    const heir = { ...owner, uid: 'g2' };
    expect(probes.answerOf(heir, 'app', 'k')).toBeUndefined();
    probes.want(heir, [wanted()]);
    expect(probes.answerOf(owner, 'app', 'k')).toBeUndefined();
    probes.release(owner.key);
    await pass(60_000);
    expect([clock.timers, asked.length]).toEqual([0, 2]);
  });

  it('go on after a question that threw', async () => {
    const { probes, asked, wanted, pass } = setUp();
    const { ask } = wanted();
    let isFirst = true;
    const failing = wanted({
      ask: async (memory, signal) => {
        const finding = await ask(memory, signal);
        if (!isFirst) return finding;
        isFirst = false;
        throw new Error('a bug');
      },
    });
    probes.want(owner, [failing]);
    await pass(10_500);
    expect(asked).toHaveLength(2);
    expect(probes.answerOf(owner, 'app', 'k')).toBe(good);
  });
});

describe('turns', () => {
  it('go round the namespaces, within both limits', async () => {
    const turns = new Turns(3, 2);
    const started: string[] = [];
    const ends: (() => void)[] = [];
    const task = (name: string) => (): Promise<void> => {
      started.push(name);
      return new Promise((resolve) => ends.push(resolve));
    };
    for (const name of ['a1', 'a2', 'a3', 'a4']) turns.add('a', task(name));
    turns.add('b', task('b1'));
    turns.add('b', task('b2'));
    turns.add('c', task('c1'));
    expect(started).toEqual(['a1', 'a2', 'b1']);
    for (let end = ends.shift(); end !== undefined; end = ends.shift()) {
      end();
      await flush();
    }
    expect(started).toEqual(['a1', 'a2', 'b1', 'a3', 'c1', 'b2', 'a4'].map((_, at) => started[at]));
    expect(started.indexOf('c1')).toBeLessThan(started.indexOf('a4'));
    expect(started).toHaveLength(7);
  });
});
