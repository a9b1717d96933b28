// A pass over a graph that may be executed: prepare, start, run the nodes, prune, finish; one file a phase.
import { ObjectAdopter, ObjectApplier } from '../../apply/index.ts';
import { isForbidden, isKindNotServed, type TenantClient } from '../../kube/index.ts';
import { REQUEUE, type Result } from '../../runtime/index.ts';
import { driftPolicyOf } from './drift.ts';
import { execute } from './execute.ts';
import { finish } from './pass-finish.ts';
import { type PassRun, type Prepared, prepare } from './pass-prepare.ts';
import { prune } from './pass-prune.ts';
import { foundRecorder, start } from './pass-start.ts';
import { requireServiceAccount } from './rights.ts';
import { renewSigns, signsOf } from './signs.ts';

/** Runs the pass. @throws PequodError where the graph as a whole can't be executed. */
export async function runPass(run: PassRun, signal: AbortSignal): Promise<Result> {
  const prepared = await prepare(run, signal);
  const { pass } = prepared;
  if (pass.isOver) await requireServiceAccount(run, prepared.status, signal);
  const tenant = pass.isOver ? undefined : await start(run, prepared, signal);
  if (tenant === 'stale') return REQUEUE;
  let isSuperseded = false;
  if (tenant !== undefined) {
    isSuperseded = await runNodes(run, prepared, tenant, signal);
  }
  const pruning = await prune(run, prepared, isSuperseded, signal);
  return await finish(run, prepared, pruning, signal);
}

/** @returns true where a newer version of the graph ended the pass early. */
async function runNodes(
  run: PassRun,
  prepared: Prepared,
  tenant: TenantClient,
  signal: AbortSignal,
): Promise<boolean> {
  const { key, graph, tenancy } = run;
  let isSuperseded = false;
  const onSuperseded = (listener: () => void): (() => void) =>
    run.graphs.onChange((change) => {
      if (change.key.namespace !== key.namespace || change.key.name !== key.name) return;
      const current = change.current?.metadata;
      if (current?.generation === graph.metadata.generation && current?.deletionTimestamp === undefined)
        return;
      isSuperseded = true;
      listener();
    });
  const onFailure = (error: unknown): void => {
    if (isForbidden(error)) tenancy.forget(key.namespace, graph.spec.serviceAccountName);
    if (isKindNotServed(error)) run.mapper.invalidate();
  };
  const applier = new ObjectApplier(tenant, prepared.owner);
  await execute(
    {
      ...prepared,
      key,
      session: run.session,
      driftPolicy: driftPolicyOf(graph),
      children: run.children,
      interests: run.interests,
      applier,
      adopter: new ObjectAdopter(tenant, prepared.owner, applier),
      unavailable: new Map([...prepared.kinds.unavailable, ...prepared.adoptions.failures]),
      signs: signsOf(run),
      renewSigns: (nodeId) => renewSigns(run, nodeId),
      now: run.now,
      log: run.log,
      recordFound: foundRecorder(run, prepared, signal),
      onFailure,
      onSuperseded,
    },
    signal,
  );
  return isSuperseded;
}
