import { describe, expect, it } from 'vitest';
import { silentLogger } from '../observability/index.ts';
import { Manager } from './manager.ts';
import { ManualClock } from './manual-clock.ts';
import type { Runnable } from './runnable.ts';

const never = new AbortController().signal;

function part(name: string, events: string[], overrides: Partial<Runnable> = {}): Runnable {
  return {
    name,
    start: async () => {
      events.push(`start ${name}`);
    },
    stop: async () => {
      events.push(`stop ${name}`);
    },
    ...overrides,
  };
}

function managerOf(...parts: readonly Runnable[]): Manager {
  const manager = new Manager({ log: silentLogger() });
  for (const each of parts) manager.add(each);
  return manager;
}

describe('Manager', () => {
  it('starts in order, each when the one before is ready, and stops in reverse', async () => {
    const events: string[] = [];
    const ready = Promise.withResolvers<void>();
    const slow = part('a', events, { start: () => ready.promise.then(() => void events.push('ready a')) });
    const manager = managerOf(slow, part('b', events), part('c', events));
    const started = manager.start(never);
    expect(manager.health().map(({ state }) => state)).toEqual(['starting', 'pending', 'pending']);
    ready.resolve();
    await started;
    expect(await manager.stop()).toEqual([]);
    expect(events).toEqual(['ready a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
  });

  it('stops the others and throws when one fails to start', async () => {
    const events: string[] = [];
    const failing = part('b', events, {
      start: async () => {
        throw new Error('port in use');
      },
    });
    const manager = managerOf(part('a', events), failing, part('c', events));
    await expect(manager.start(never)).rejects.toThrow('port in use');
    expect(events).toEqual(['start a', 'stop b', 'stop a']);
    expect(manager.health()).toEqual([
      { name: 'a', state: 'stopped', isHealthy: false, message: 'stopped' },
      { name: 'b', state: 'failed', isHealthy: false, message: 'port in use' },
      { name: 'c', state: 'pending', isHealthy: false, message: 'pending' },
    ]);
  });

  it('gives up a start that hangs when told to', async () => {
    const events: string[] = [];
    const abort = new AbortController();
    const hanging = part('b', events, {
      start: (signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    });
    const started = managerOf(part('a', events), hanging).start(abort.signal);
    abort.abort(new Error('SIGTERM'));
    await expect(started).rejects.toThrow('SIGTERM');
    expect(events).toContain('stop a');
  });

  it('starts nothing more once it is stopped', async () => {
    const events: string[] = [];
    const ready = Promise.withResolvers<void>();
    const manager = managerOf(part('a', events, { start: () => ready.promise }), part('b', events));
    const started = manager.start(never);
    const stopped = manager.stop();
    ready.resolve();
    await expect(started).rejects.toThrow('stopped while it was starting');
    await stopped;
    expect(events).toEqual(['stop a']);
  });

  it('goes on past parts that fail to stop or hang, and names them', async () => {
    const events: string[] = [];
    const clock = new ManualClock();
    const manager = new Manager({ log: silentLogger(), clock, graceMs: 5_000 });
    manager.add(part('a', events));
    manager.add(
      part('b', events, {
        stop: () => {
          throw new Error('broken');
        },
      }),
    );
    manager.add(part('c', events, { stop: () => new Promise(() => undefined) }));
    await manager.start(never);
    const stopped = manager.stop();
    clock.advance(5_000);
    expect(await stopped).toEqual(['c', 'b']);
    expect(events).toContain('stop a');
    expect(manager.health().map(({ message }) => message)).toEqual([
      'stopped',
      'broken',
      'did not stop in time',
    ]);
  });

  it('reports what a running part says of itself', async () => {
    let complaint: string | undefined;
    const manager = managerOf(part('a', [], { health: () => complaint }));
    await manager.start(never);
    expect(manager.health()).toEqual([{ name: 'a', state: 'running', isHealthy: true }]);
    complaint = 'no event for 10 m';
    expect(manager.health()).toEqual([
      { name: 'a', state: 'running', isHealthy: false, message: 'no event for 10 m' },
    ]);
    await manager.stop();
  });
});
