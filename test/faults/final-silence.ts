// One more operator, for all namespaces that a campaign has left: what runs without a fault and with one have led to is
// settled, so that it writes nothing when it starts, and then says nothing.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { OPERATOR_IDENTITY } from '../control-plane/index.ts';
import { describeCall } from './campaigns/index.ts';
import { KeptOperator } from './operator.ts';
import { startFaultProxy } from './proxy/index.ts';
import { callsSince, type Ground, QUIET_MS } from './run.ts';

const START_LIMIT_MS = 240_000;
const POLL_MS = 200;

/** @returns a line for each call that there was no reason for */
export async function awaitSilence(ground: Ground, silenceMs: number): Promise<readonly string[]> {
  const proxy = await startFaultProxy(ground.controlPlane);
  const directory = join(ground.directory, 'silence');
  await mkdir(directory);
  const operator = new KeptOperator({
    program: ground.program,
    kubeconfig: await proxy.kubeconfigFor(OPERATOR_IDENTITY),
    directory,
    reaper: ground.reaper,
    beforeRestart: () => proxy.letThrough(),
  });
  try {
    operator.start();
    const endsAtMs = performance.now() + START_LIMIT_MS;
    while (proxy.calls.length === 0 || callsSince(proxy.calls, performance.now() - QUIET_MS).length > 0) {
      ground.signal.throwIfAborted();
      if (performance.now() > endsAtMs)
        return ['an operator that was started at the end does not fall silent'];
      await delay(POLL_MS);
    }
    const beganAtMs = performance.now();
    await delay(silenceMs, undefined, { signal: ground.signal });
    const writes = proxy.calls.filter(({ isWrite, isLease }) => isWrite && !isLease);
    return [
      ...writes.map((call) => `written after a restart: ${describeCall(call)}`),
      ...callsSince(proxy.calls, beganAtMs).map((call) => `in the silence: ${describeCall(call)}`),
      ...operator.endings.map((how) => `the operator ended by itself: ${how}`),
    ];
  } finally {
    await operator.stop();
    await proxy.close();
  }
}
