import { expect, test } from 'vitest';
import { SharedAnswers } from './shared-answers.ts';

const never = (): AbortSignal => new AbortController().signal;
const MINUTE_MS = 60_000;

/** A place whose answers are given when the test says so, and a clock. */
class World {
  nowMs = 1_000;
  readonly requests: {
    readonly answer: (value: string) => void;
    readonly fail: (error: Error) => void;
    readonly signal: AbortSignal;
  }[] = [];
  readonly answers: SharedAnswers<string>;

  constructor(maxEntries = 100) {
    this.answers = new SharedAnswers({ maxEntries, now: () => this.nowMs });
  }

  ask(maxAgeMs: number, signal: AbortSignal = never(), key = 'tag v1'): Promise<string> {
    const load = (given: AbortSignal): Promise<string> => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      this.requests.push({ answer: resolve, fail: reject, signal: given });
      return promise;
    };
    return this.answers.ask({ key, maxAgeMs }, load, signal).then(({ value }) => value);
  }

  /** The n-th request, once it was made. */
  async request(index: number): Promise<(typeof this.requests)[number]> {
    for (;;) {
      const request = this.requests[index];
      if (request !== undefined) return request;
      await Promise.resolve();
    }
  }
}

test('an answer that is new enough is shared, with its age; an older one is not', async () => {
  const world = new World();
  const first = world.ask(MINUTE_MS);
  (await world.request(0)).answer('one');
  await expect(first).resolves.toBe('one');
  world.nowMs += MINUTE_MS;
  const load = (): Promise<string> => Promise.reject(new Error('not needed'));
  const known = await world.answers.ask({ key: 'tag v1', maxAgeMs: MINUTE_MS }, load, never());
  expect(known).toEqual({ value: 'one', ageMs: MINUTE_MS });
  world.nowMs += 1;
  const second = world.ask(MINUTE_MS);
  (await world.request(1)).answer('two');
  await expect(second).resolves.toBe('two');
});

test('the age counts from the start of the request, not from its end', async () => {
  const world = new World();
  const slow = world.ask(MINUTE_MS);
  world.nowMs += MINUTE_MS;
  (await world.request(0)).answer('old by now');
  await slow;
  world.nowMs += 1;
  void world.ask(MINUTE_MS);
  expect(world.requests).toHaveLength(2);
});

test('with a maximum age of 0 nothing counts that was asked before', async () => {
  const world = new World();
  const before = world.ask(0);
  // Somebody moved the tag while the request was on its way, and asks for a reconcile, in the same millisecond.
  const after = world.ask(0);
  expect(world.requests).toHaveLength(1);
  (await world.request(0)).answer('what it was');
  (await world.request(1)).answer('what it is');
  await expect(before).resolves.toBe('what it was');
  await expect(after).resolves.toBe('what it is');
  // Known by now, and still not good enough for who asks anew.
  void world.ask(0);
  expect(world.requests).toHaveLength(3);
});

test('5,000 who ask for news at once are answered by two requests', async () => {
  const world = new World();
  const all = Array.from({ length: 5_000 }, () => world.ask(0));
  (await world.request(0)).answer('first');
  (await world.request(1)).answer('second');
  const answers = await Promise.all(all);
  expect(answers.filter((answer) => answer === 'first')).toHaveLength(1);
  expect(world.requests).toHaveLength(2);
});

test('5,000 who take what is a minute old are answered by one', async () => {
  const world = new World();
  const all = Array.from({ length: 5_000 }, () => world.ask(MINUTE_MS));
  (await world.request(0)).answer('v1');
  await Promise.all(all);
  expect(world.requests).toHaveLength(1);
});

test('a failure goes to those who waited for that request, and is not kept', async () => {
  const world = new World();
  const [first, second] = [world.ask(0), world.ask(0)];
  (await world.request(0)).fail(new Error('503'));
  await expect(first).rejects.toThrow('503');
  (await world.request(1)).answer('better');
  await expect(second).resolves.toBe('better');
});

test('a failure leaves the answer before it, with its true age', async () => {
  const world = new World();
  const good = world.ask(0);
  (await world.request(0)).answer('good');
  await good;
  world.nowMs += 1_000;
  const failing = world.ask(0);
  (await world.request(1)).fail(new Error('503'));
  await expect(failing).rejects.toThrow('503');
  await expect(world.ask(1_000)).resolves.toBe('good');
});

test('a request that nobody waits for is aborted, and the one behind it starts', async () => {
  const world = new World();
  const impatient = new AbortController();
  const gone = world.ask(0, impatient.signal);
  const stays = world.ask(0);
  impatient.abort(new Error('enough'));
  await expect(gone).rejects.toThrow('enough');
  expect((await world.request(0)).signal.aborted).toBe(true);
  (await world.request(1)).answer('new');
  await expect(stays).resolves.toBe('new');
  // The aborted one answers all the same, later: its answer is older, and is not kept.
  world.requests[0]?.answer('late');
  await Promise.resolve();
  await expect(world.ask(MINUTE_MS)).resolves.toBe('new');
});

test('one who waits for the next request and gives up leaves none behind', async () => {
  const world = new World();
  const impatient = new AbortController();
  const first = world.ask(0);
  const gone = world.ask(0, impatient.signal);
  impatient.abort(new Error('enough'));
  await expect(gone).rejects.toThrow('enough');
  (await world.request(0)).answer('one');
  await first;
  expect(world.requests).toHaveLength(1);
});

test('keys do not share, and the least recently used is forgotten', async () => {
  const world = new World(2);
  for (const [index, key] of ['a', 'b', 'c'].entries()) {
    const answer = world.ask(MINUTE_MS, never(), key);
    (await world.request(index)).answer(key);
    await expect(answer).resolves.toBe(key);
  }
  await expect(world.ask(MINUTE_MS, never(), 'c')).resolves.toBe('c');
  void world.ask(MINUTE_MS, never(), 'a');
  expect(world.requests).toHaveLength(4);
});

test('long answers are kept as far as there is room; one that is longer than that is still given', async () => {
  const answers = new SharedAnswers<string>({
    maxEntries: 100,
    now: () => 0,
    room: { lengthOf: (value) => value.length, maxLength: 10 },
  });
  let asked = 0;
  const ask = async (key: string, value: string): Promise<string> => {
    const load = (): Promise<string> => {
      asked += 1;
      return Promise.resolve(value);
    };
    return (await answers.ask({ key, maxAgeMs: MINUTE_MS }, load, never())).value;
  };
  for (const key of ['a', 'b', 'c']) await ask(key, '12345');
  await ask('c', '12345');
  expect(asked).toBe(3);
  await ask('a', '12345');
  expect(asked).toBe(4);
  expect(await ask('d', 'longer than all room')).toBe('longer than all room');
});
