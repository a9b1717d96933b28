// The edges of a graph: those that nodes declare, and those that follow from what the objects are.
import { type GraphNode, gvkOf } from '../api/index.ts';
import { isJsonObject, type JsonValue } from '../json/index.ts';
import { isKnownClusterScoped } from './identity.ts';
import type { GraphProblem } from './problem.ts';

/** Adjacency by index of the node. Without duplicates and without self-loops. */
export interface EdgeList {
  readonly dependencies: readonly (readonly number[])[];
  readonly dependents: readonly (readonly number[])[];
}

export interface FoundEdges {
  readonly edges: EdgeList;
  /** Dependencies on unknown ids or on the node itself; such edges are left out. */
  readonly problems: readonly GraphProblem[];
}

/**
 * Declared edges, and implied ones: a CustomResourceDefinition comes before the objects of its group and kind, a
 * Namespace before the objects that declare it. (An object without a declared namespace lives in the graph's own,
 * which exists.)
 */
export function findEdges(nodes: readonly GraphNode[]): FoundEdges {
  const problems: GraphProblem[] = [];
  const indexOf = new Map<string, number>();
  nodes.forEach((node, index) => {
    if (!indexOf.has(node.id)) indexOf.set(node.id, index);
  });
  const hosts = findHosts(nodes);
  const dependents: number[][] = nodes.map(() => []);
  const dependencies = nodes.map((node, index): readonly number[] => {
    const found = new Set<number>();
    for (const id of listOf(node.dependsOn)) {
      const dependency = indexOf.get(id);
      if (dependency === undefined) problems.push(unknownDependency(node.id, id));
      else if (id === node.id) problems.push(selfDependency(node.id));
      else found.add(dependency);
    }
    for (const host of hostsOf(node, hosts)) if (host !== index) found.add(host);
    for (const dependency of found) dependents[dependency]?.push(index);
    return [...found];
  });
  return { edges: { dependencies, dependents }, problems };
}

/** Nodes that make room for others: by `crd:<group>/<kind>` and `namespace:<name>`. */
type Hosts = ReadonlyMap<string, number>;

function findHosts(nodes: readonly GraphNode[]): Hosts {
  const hosts = new Map<string, number>();
  nodes.forEach((node, index) => {
    const key = hostKey(node.object);
    if (key !== undefined && !hosts.has(key)) hosts.set(key, index);
  });
  return hosts;
}

function hostKey(object: JsonValue | undefined): string | undefined {
  const subject = subjectOf(object);
  if (subject === undefined) return undefined;
  if (subject.group === '' && subject.kind === 'Namespace') return `namespace:${subject.name}`;
  if (subject.group !== 'apiextensions.k8s.io' || subject.kind !== 'CustomResourceDefinition')
    return undefined;
  const spec = subject.spec;
  if (!isJsonObject(spec)) return undefined;
  const names = spec['names'];
  const kind = isJsonObject(names) ? names['kind'] : undefined;
  return typeof kind === 'string' && typeof spec['group'] === 'string'
    ? `crd:${spec['group']}/${kind}`
    : undefined;
}

function* hostsOf(node: GraphNode, hosts: Hosts): Generator<number> {
  if (hosts.size === 0) return;
  const subject = subjectOf(node.object);
  if (subject === undefined) return;
  const crd = hosts.get(`crd:${subject.group}/${subject.kind}`);
  if (crd !== undefined) yield crd;
  if (subject.namespace === undefined || isKnownClusterScoped(subject)) return;
  const namespace = hosts.get(`namespace:${subject.namespace}`);
  if (namespace !== undefined) yield namespace;
}

interface Subject {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly spec: JsonValue | undefined;
}

// Edges are looked for in graphs that have not been validated, so nothing is taken for granted here.
function subjectOf(object: JsonValue | undefined): Subject | undefined {
  if (!isJsonObject(object)) return undefined;
  const { apiVersion, kind, metadata, spec } = object;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || !isJsonObject(metadata)) return undefined;
  const { name, namespace } = metadata;
  if (typeof name !== 'string') return undefined;
  const { group } = gvkOf({ apiVersion, kind });
  return { group, kind, namespace: typeof namespace === 'string' ? namespace : undefined, name, spec };
}

function listOf(ids: JsonValue | undefined): readonly string[] {
  return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
}

function unknownDependency(nodeId: string, id: string): GraphProblem {
  const message = `node ${nodeId} depends on ${id}, which the graph does not have`;
  return { code: 'UnknownDependency', nodeIds: [nodeId], message };
}

function selfDependency(nodeId: string): GraphProblem {
  return { code: 'SelfDependency', nodeIds: [nodeId], message: `node ${nodeId} depends on itself` };
}
