import { describe, expect, it } from 'vitest';
import { InvalidObjectError } from '../errors.ts';
import { ApiError } from './errors.ts';
import { FlowGates } from './flow-gates.ts';

const ROUTE = { verb: 'get', resource: 'configmaps' };

function answer(statusCode: number, retryAfterMs?: number): ApiError {
  return new ApiError('slow down', {
    code: statusCode === 429 ? 'API_TOO_MANY_REQUESTS' : 'API_SERVER_ERROR',
    reason: 'Busy',
    retry: 'backoff',
    statusCode,
    statusReason: '',
    statusMessage: 'slow down',
    details: { name: '', group: '', kind: '', causes: [] },
    retryAfterMs,
    isJsonStatus: true,
    route: ROUTE,
  });
}

/** Gates by a clock that only the test moves. */
function gatesAt(start: number): { readonly gates: FlowGates; readonly clock: { ms: number } } {
  const clock = { ms: start };
  return { gates: new FlowGates(5_000, () => clock.ms), clock };
}

const never = new AbortController().signal;

describe('FlowGates', () => {
  it.each([
    ['a 429', answer(429, 2_000), 2_000],
    ['a 429 that does not say how long', answer(429), 1_000],
    ['a 503 that says how long', answer(503, 2_000), 2_000],
    ['an error that was made of one', new InvalidObjectError('bad', { cause: answer(429, 2_000) }), 2_000],
    ['a 503 that does not', answer(503), 0],
    ['a 504', answer(504, 2_000), 0],
    ['an error of ours', new Error('bug'), 0],
  ])('%s closes the gate of its flow', (_, error, closedMs) => {
    const { gates, clock } = gatesAt(100);
    gates.note('a', error);
    expect([gates.isOpen('a'), gates.isOpen('b')]).toEqual([closedMs === 0, true]);
    clock.ms += Math.max(0, closedMs - 1);
    expect(gates.isOpen('a')).toBe(closedMs === 0);
    clock.ms += 1;
    expect(gates.isOpen('a')).toBe(true);
  });

  it('lets a later answer lengthen a wait, and never shorten it', () => {
    const { gates, clock } = gatesAt(0);
    gates.note('a', answer(429, 3_000));
    gates.note('a', answer(429, 1_000));
    clock.ms = 2_999;
    expect(gates.isOpen('a')).toBe(false);
    gates.note('a', answer(429, 1_000));
    clock.ms = 3_998;
    expect(gates.isOpen('a')).toBe(false);
  });

  it('waits for what is short, in real time', async () => {
    const gates = new FlowGates(5_000, () => performance.now());
    gates.note('a', answer(429, 30));
    const before = performance.now();
    await gates.pass('b', ROUTE, never);
    await Promise.all([gates.pass('a', ROUTE, never), gates.pass('a', ROUTE, never)]);
    expect(gates.isOpen('a')).toBe(true);
    expect(performance.now() - before).toBeGreaterThanOrEqual(30);
  });

  it('fails at once where the wait is long, and says what is left of it', async () => {
    const { gates, clock } = gatesAt(0);
    gates.note('a', answer(503, 60_000));
    clock.ms = 20_000;
    expect(gates.opensSoon('a')).toBe(false);
    const error = await gates.pass('a', { verb: 'list', resource: 'pods' }, never).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'API_SERVER_ERROR', statusCode: 503, retry: { afterMs: 40_000 } });
    // Words without times: they end up in statuses, which are written when they change.
    expect(error).toHaveProperty('message', 'list pods: not sent, the API server asked to wait (503)');
  });

  it('lets who is aborted leave at once', async () => {
    const { gates } = gatesAt(0);
    gates.note('a', answer(429, 4_000));
    const controller = new AbortController();
    const passed = gates.pass('a', ROUTE, controller.signal);
    controller.abort(new Error('given up'));
    await expect(passed).rejects.toThrow('given up');
  });

  it('forgets gates that have opened', () => {
    const { gates, clock } = gatesAt(0);
    for (let flow = 0; flow < 5_000; flow += 1) {
      clock.ms += 1;
      gates.note(`tenant ${flow}`, answer(429, 1_000));
    }
    expect(gates.size).toBeLessThanOrEqual(2_000);
    expect(gates.isOpen('tenant 4999')).toBe(false);
  });
});
