import { expect, test } from 'vitest';
import { Flights } from './flight.ts';

const never = (): AbortSignal => new AbortController().signal;

/** A load that ends when it is told to. */
function held<T>(): {
  readonly load: (signal: AbortSignal) => Promise<T>;
  readonly signals: AbortSignal[];
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
} {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const signals: AbortSignal[] = [];
  const load = (signal: AbortSignal): Promise<T> => {
    signals.push(signal);
    return promise;
  };
  return { load, signals, resolve, reject };
}

test('all who ask for a key while it is loaded get the one load', async () => {
  const flights = new Flights<string>();
  const one = held<string>();
  const waiters = Array.from({ length: 100 }, () => flights.join('a', one.load, never()));
  one.resolve('content');
  expect(new Set(await Promise.all(waiters))).toEqual(new Set(['content']));
  expect(one.signals).toHaveLength(1);
  expect(flights.size).toBe(0);
});

test('a waiter who gives up goes alone; the load goes on for the others', async () => {
  const flights = new Flights<string>();
  const one = held<string>();
  const impatient = new AbortController();
  const gone = flights.join('a', one.load, impatient.signal);
  const stays = flights.join('a', one.load, never());
  impatient.abort(new Error('enough'));
  await expect(gone).rejects.toThrow('enough');
  expect(one.signals[0]?.aborted).toBe(false);
  one.resolve('content');
  await expect(stays).resolves.toBe('content');
});

test('a load that nobody waits for is aborted, and the next who comes starts a new one', async () => {
  const flights = new Flights<string>();
  const [abandoned, fresh] = [held<string>(), held<string>()];
  const impatient = [new AbortController(), new AbortController()];
  const gone = impatient.map(({ signal }) => flights.join('a', abandoned.load, signal));
  for (const one of impatient) one.abort(new Error('enough'));
  for (const one of gone) await expect(one).rejects.toThrow('enough');
  expect(abandoned.signals[0]?.aborted).toBe(true);
  const late = flights.join('a', fresh.load, never());
  // The old one ends badly, as it may; that is nobody's business any more.
  abandoned.reject(new Error('aborted'));
  fresh.resolve('new');
  await expect(late).resolves.toBe('new');
});

test('a failure reaches all who wait, and nobody after them', async () => {
  const flights = new Flights<string>();
  const one = held<string>();
  const waiters = [flights.join('a', one.load, never()), flights.join('a', one.load, never())];
  one.reject(new Error('no such thing'));
  for (const waiter of waiters) await expect(waiter).rejects.toThrow('no such thing');
  await expect(flights.join('a', () => Promise.resolve('there'), never())).resolves.toBe('there');
});

test('what throws at once, and who comes aborted, leave nothing behind', async () => {
  const flights = new Flights<string>();
  const broken = (): Promise<string> => {
    throw new Error('broken');
  };
  await expect(flights.join('a', broken, never())).rejects.toThrow('broken');
  await expect(flights.join('a', broken, AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
  expect(flights.size).toBe(0);
});
