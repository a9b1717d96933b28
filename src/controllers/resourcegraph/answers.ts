// Expressions can change while their object does not: then no watch event brings their answer. Such an object is read
// once; from then on the watch's projection has it.
import { sentHash } from '../../apply/index.ts';
import { expressionHash } from '../../cel/index.ts';
import type { TenantClient } from '../../kube/index.ts';
import type { Ledger } from './ledger.ts';
import { expressionsOf } from './node-interests.ts';
import type { PassRun } from './pass-prepare.ts';
import type { NodeTarget, Targets } from './targets.ts';

/** When to read again what could not be read. */
export const UNREAD_RETRY_MS = 30_000;

/** Reads the objects whose projection lacks an answer. @returns true where one could not be read. */
export async function readMissingAnswers(
  run: PassRun,
  targets: Targets,
  ledger: Ledger,
  signal: AbortSignal,
): Promise<boolean> {
  const unanswered = [...targets.values()].filter((target) => lacksAnswers(run, target, ledger));
  if (unanswered.length === 0) return false;
  const { namespace } = run.key;
  try {
    const client = await run.tenancy.clientFor(namespace, run.graph.spec.serviceAccountName, signal);
    await Promise.all(unanswered.map((target) => read(run, target, client, signal)));
    return false;
  } catch (error) {
    signal.throwIfAborted();
    run.log.debug({ error: String(error) }, 'objects with new expressions could not be read');
    return true;
  }
}

function lacksAnswers(run: PassRun, target: NodeTarget, ledger: Ledger): boolean {
  const { planNode, resource, identity } = target;
  const expressions = expressionsOf(planNode.node);
  if (resource === undefined || expressions.length === 0) return false;
  const observation = run.children.observation(run.key, resource, identity);
  if (observation === undefined) return false;
  const entry = ledger.get(identity);
  // What is about to be applied is seen in the answer to that.
  if (entry?.uid !== observation.uid) return false;
  if (entry.sent !== sentHash(target.stamped(entry.origin), planNode.node.ignoreFields ?? [])) return false;
  return expressions.some((expression) => observation.answers?.[expressionHash(expression)] === undefined);
}

async function read(
  run: PassRun,
  { resource, identity }: NodeTarget,
  client: TenantClient,
  signal: AbortSignal,
): Promise<void> {
  if (resource === undefined) return;
  const { namespace, name } = identity;
  run.children.observeAgain(run.key, resource, await client.get(resource, { namespace, name }, signal));
}
