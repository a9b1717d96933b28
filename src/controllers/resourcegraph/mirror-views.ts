// The objects that the nodes of one pass only read.
import type { MirrorRequest, MirrorView } from './mirrors.ts';
import { expressionsOf } from './node-interests.ts';
import type { PassRun } from './pass-prepare.ts';
import type { Targets } from './targets.ts';

/** What is known of them, by node id; a node whose kind is not served has none. */
export async function viewMirrors(
  run: Pick<PassRun, 'graph' | 'interests' | 'key' | 'mirrors' | 'tenancy'>,
  targets: Targets,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, MirrorView>> {
  const { key, graph, interests, mirrors, tenancy } = run;
  const requests = new Map<string, MirrorRequest>();
  for (const [id, { adoption, resource, identity, planNode }] of targets) {
    if (adoption !== 'Mirror' || resource === undefined) continue;
    const client = tenancy.clientForDeletion(key.namespace, graph.spec.serviceAccountName);
    const expressions = expressionsOf(planNode.node);
    const answersOf: MirrorRequest['answersOf'] = (object) =>
      expressions.length === 0 ? undefined : interests.answer(expressions, object);
    requests.set(id, { client, resource, namespace: key.namespace, name: identity.name, answersOf });
  }
  mirrors.release(key, [...requests.values()]);
  const views = [...requests].map(
    async ([id, request]): Promise<[string, MirrorView]> => [id, await mirrors.view(key, request, signal)],
  );
  return new Map(await Promise.all(views));
}
