// `make demo`: a real control plane, the operator with its own rights, and two Transforms, live.
//   --once   deletes everything at the end, checks that nothing is left, and exits: 0 only if all went well
import { parseArgs } from 'node:util';
import { ensureBinaries, startControlPlane } from '../test/control-plane/index.ts';
import { OPERATOR_IDENTITY, type Operator, startOperator } from './operator.ts';
import { Screen } from './screen.ts';
import {
  applyExamples,
  changeInput,
  deleteAll,
  install,
  NAMESPACE,
  prepareNamespace,
  type Stage,
  showUntil,
} from './story.ts';

const STORY_LIMIT_MS = 300_000;
const INTERRUPTED_EXIT_CODE = 130;

class Interrupted extends Error {}

const { values } = parseArgs({ options: { once: { type: 'boolean', default: false } } });
const screen = new Screen(process.stdout);
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // Once more: leave at once. The watchdogs beside the processes clean up.
    if (interrupt.signal.aborted) process.exit(INTERRUPTED_EXIT_CODE);
    interrupt.abort(new Interrupted('interrupted'));
  });
}

try {
  await demo(values.once, interrupt.signal);
} catch (error) {
  if (interrupt.signal.aborted) {
    screen.say('interrupted');
    process.exitCode = INTERRUPTED_EXIT_CODE;
  } else {
    screen.say(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}

async function demo(isOnce: boolean, interrupted: AbortSignal): Promise<void> {
  const report = (line: string): void => screen.say(`control plane: ${line}`);
  const binaries = await ensureBinaries({ report, signal: interrupted });
  const limit = new AbortController();
  const limitTimer = setTimeout(
    () => limit.abort(new Error(`not done after ${STORY_LIMIT_MS / 1000} s`)),
    STORY_LIMIT_MS,
  );
  const signal = AbortSignal.any([interrupted, limit.signal]);
  screen.say('starting etcd, kube-apiserver, controller-manager, scheduler and kwok');
  const cluster = await startControlPlane({ binaries }, signal);
  try {
    const stage: Stage = { kubectl: cluster.kubectl, screen };
    await orAborted(install(stage), signal);
    screen.say('starting the operator as ServiceAccount pequod-system/pequod');
    const operator = await startOperator(await cluster.kubeconfigFor(OPERATOR_IDENTITY, signal));
    try {
      await operator.orEnd(orAborted(tellStory(stage, isOnce, signal), signal));
      if (isOnce) return;
      clearTimeout(limitTimer);
      printInstructions(cluster.kubeconfigPath, cluster.kubectlPath, operator.logPath);
      await operator.orEnd(stayUntilInterrupted(stage, interrupted));
    } catch (error) {
      if (!interrupted.aborted) printLog(operator);
      throw error;
    } finally {
      screen.say('stopping the operator');
      await operator.stop();
    }
  } finally {
    clearTimeout(limitTimer);
    screen.say('stopping the control plane');
    await cluster.stop();
  }
}

/** As `work` does, or fails with the signal's reason, whatever `work` is waiting for. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function tellStory(stage: Stage, isOnce: boolean, signal: AbortSignal): Promise<void> {
  const before = await prepareNamespace(stage);
  await applyExamples(stage, signal);
  await changeInput(stage, signal);
  if (isOnce) await deleteAll(stage, before, signal);
}

async function stayUntilInterrupted(stage: Stage, interrupted: AbortSignal): Promise<void> {
  try {
    await showUntil(stage, () => false, interrupted);
  } catch (error) {
    if (!interrupted.aborted) throw error;
  }
}

function printInstructions(kubeconfig: string, kubectl: string, logPath: string): void {
  screen.print(
    '',
    'It is yours until Ctrl-C. In another terminal:',
    '',
    `  export KUBECONFIG=${kubeconfig}`,
    `  ${kubectl} -n ${NAMESPACE} get transforms,deployments,statefulsets,pods`,
    `  ${kubectl} -n ${NAMESPACE} delete service storefront     # comes back at once`,
    `  ${kubectl} -n ${NAMESPACE} patch transform storefront --type merge -p '{"spec":{"input":{"replicas":-1}}}'`,
    '',
    `The operator's log: ${logPath}`,
    'Pods are played by kwok: they run nothing.',
    '',
  );
}

function printLog(operator: Operator): void {
  screen.print('', 'the end of the operator’s log:', operator.lastLines(), '');
}
