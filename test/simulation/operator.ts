// One life of an operator: it drives the pure core as the ResourceGraph controller does, against the simulated world.
// A crash ends the life; what it had in flight may still land, and the next life knows only what is stored.
import { type GraphNode, type InventoryItem, isResolvedNode, type NodeStatus } from '../../src/api/index.ts';
import {
  buildPlan,
  findPrunable,
  type NodeInput,
  Pass,
  type Plan,
  type PlannedObject,
  type Readiness,
  unionInventory,
} from '../../src/graph/index.ts';
import { contentOf, objectName, type WantedGraph } from './graphs.ts';
import { callOrDie, GRAPH_UID, inventoryOf, type Life, storeInventory } from './life.ts';
import type { Mutation } from './mutations.ts';
import { NodeWrite, type WriteOutcome } from './node-write.ts';
import { Removal } from './removal.ts';
import { EDITED, type WorldObject } from './world.ts';

/** When to look again at what a watch should tell. */
const REMOVAL_RETRY_MS = 1_000;

/** Longer than any simulation. */
const NEVER_MS = 1e9;

/** A pass under way. */
interface Run {
  readonly graph: WantedGraph;
  readonly plan: Plan;
  readonly planned: readonly PlannedObject[];
  readonly pass: Pass;
  readonly started: Set<string>;
}

export class SimulatedOperator {
  readonly #life: Life;
  #seen: WantedGraph;
  #isBusy = false;
  #isDirty = false;
  #isDeletionSeen: boolean;
  #run: Run | undefined;
  #names: ReadonlyMap<string, string> = new Map();

  constructor(life: Life) {
    this.#life = life;
    this.#seen = life.store.wanted;
    this.#isDeletionSeen = life.store.isDeleted;
  }

  /** Lists, watches, and works until the life is over. */
  start(): void {
    const { cache, store, timeline, world } = this.#life;
    for (const [name, object] of world.objects) cache.set(name, { ...object });
    store.watch(() => this.#graphChanged());
    const end = world.watch(({ name, object, version }) => {
      if (!this.#life.isAlive) return end();
      this.#life.seenVersions.set(name, version);
      // The answer to our own write is shown until the watch has come to it.
      if ((cache.get(name)?.version ?? 0) > version) return;
      if (object === undefined) cache.delete(name);
      else cache.set(name, object);
      this.#observed(name);
    });
    timeline.after(0, () => this.#wake());
  }

  #graphChanged(): void {
    if (!this.#life.isAlive) return;
    const { store, mutation } = this.#life;
    const isNewer = store.wanted.generation !== this.#seen.generation || store.isDeleted;
    this.#seen = store.wanted;
    this.#isDeletionSeen ||= store.isDeleted;
    if (isNewer && mutation !== 'deaf-to-changes') this.#run?.pass.stop();
    this.#wake();
  }

  #observed(name: string): void {
    const id = this.#names.get(name);
    if (this.#run !== undefined && id !== undefined) {
      this.#run.pass.observed(id, this.#readinessOf(name), this.#life.timeline.nowMs);
      this.#pump();
    }
    this.#wake();
  }

  #wake(): void {
    if (this.#isBusy) this.#isDirty = true;
    else this.#begin();
  }

  #begin(): void {
    const life = this.#life;
    if (!life.isAlive || life.store.isGone) return;
    if (this.#isBusy) {
      this.#isDirty = true;
      return;
    }
    this.#isBusy = true;
    this.#isDirty = false;
    const graph = this.#seen;
    life.ledger.clear();
    for (const item of life.store.status?.inventory.items ?? []) life.ledger.set(item.name, item);
    if (life.store.isDeleted) this.#remove([...life.ledger.values()], () => this.#endRemoval());
    else this.#execute(graph);
  }

  /** One pass over the graph. */
  #execute(graph: WantedGraph): void {
    const life = this.#life;
    const plan = planOf(graph, life.mutation);
    const planned = plannedObjects(plan);
    const union = unionInventory(life.store.status?.inventory, planned, GRAPH_UID);
    for (const item of union.items) life.ledger.set(item.name, item);
    const isLate = life.mutation === 'late-inventory';
    if (!isLate && union !== life.store.status?.inventory && !storeInventory(life)) return;
    this.#names = new Map(planned.map(({ name, nodeId }) => [name, nodeId]));
    const options = {
      concurrency: life.concurrency + (life.mutation === 'crowded' ? 1 : 0),
      nowMs: life.timeline.nowMs,
      random: life.random.next,
    };
    const pass = new Pass(plan, this.#inputs(graph), options);
    this.#run = { graph, plan, planned, pass, started: new Set() };
    this.#pump();
  }

  #pump(): void {
    const run = this.#run;
    const { timeline } = this.#life;
    if (run === undefined) return;
    for (const { id, work } of run.pass.takeStartable(timeline.nowMs)) {
      const node = run.graph.nodes.find((each) => each.id === id);
      if (node === undefined) continue;
      this.#checkStart(run, node, work);
      const write = new NodeWrite(this.#life, objectName(node), contentOf(node));
      write.run(work === 'repair', (outcome) => this.#settled(run, node, outcome));
      if (!this.#life.isAlive) return;
    }
    if (!run.pass.isOver || this.#run !== run) return;
    this.#run = undefined;
    this.#prune(run);
  }

  #settled({ pass }: Run, node: GraphNode, outcome: WriteOutcome): void {
    const { timeline, mutation } = this.#life;
    if (outcome.state === 'applied') {
      pass.applied(node.id, this.#readinessOf(objectName(node)), timeline.nowMs);
    } else {
      const { retry, ...failure } = outcome.failure;
      const given = mutation === 'retry-never' ? { afterMs: NEVER_MS } : retry;
      pass.failed(node.id, { ...failure, retry: given }, timeline.nowMs);
    }
    this.#pump();
  }

  #checkStart({ graph, pass, started }: Run, node: GraphNode, work: string): void {
    const { invariants, concurrency, store, cache } = this.#life;
    const isOld = graph.generation !== this.#seen.generation || (store.isDeleted && this.#isDeletionSeen);
    invariants.check(!isOld, 'a pass starts nothing once it has seen a newer graph', () => node.id);
    invariants.check(
      pass.inFlight <= concurrency,
      'no more are in flight than allowed',
      () => `${pass.inFlight}`,
    );
    invariants.check(!started.has(node.id), 'a node starts once in a pass', () => node.id);
    started.add(node.id);
    if (work !== 'create') return;
    for (const id of node.dependsOn ?? []) {
      const dependency = graph.nodes.find((each) => each.id === id);
      const seen = dependency === undefined ? undefined : cache.get(objectName(dependency));
      invariants.check(
        seen?.health === 'ready',
        'a node is created after all it depends on',
        () => `${node.id} before ${id}`,
      );
    }
  }

  #prune(run: Run): void {
    const { store, mutation, invariants } = this.#life;
    const isWhole = run.pass.isFullyApplied || mutation === 'prune-at-once';
    const isCurrent = store.wanted.generation === run.graph.generation && !store.isDeleted;
    const items = isWhole && isCurrent ? findPrunable(inventoryOf(this.#life), run.planned) : [];
    const isEarly = items.length > 0 && !run.pass.isFullyApplied;
    invariants.check(!isEarly, 'nothing is pruned while anything is not applied', () =>
      items.map(({ name }) => name).join(),
    );
    this.#checkReady(run);
    this.#remove(items, (isLeft) => this.#finish(run, isLeft));
  }

  #remove(items: readonly InventoryItem[], done: (isLeft: boolean) => void): void {
    const wanted = new Set(this.#life.store.isDeleted ? [] : this.#names.keys());
    new Removal(this.#life, items, wanted).run(done);
  }

  #endRemoval(): void {
    const { ledger, store, timeline } = this.#life;
    this.#isBusy = false;
    if (!storeInventory(this.#life)) return;
    if (ledger.size === 0) {
      callOrDie(this.#life, () => {
        store.isGone = true;
      });
      return;
    }
    if (this.#isDirty) this.#begin();
    else timeline.after(REMOVAL_RETRY_MS, () => this.#wake());
  }

  #finish({ pass, graph }: Run, isLeft: boolean): void {
    const life = this.#life;
    const statuses = pass.statuses();
    const { generation } = graph;
    const isStored = callOrDie(life, () => {
      life.store.status = { inventory: inventoryOf(life), statuses, generation };
    });
    if (!isStored) return;
    this.#isBusy = false;
    const wakeAtMs = pass.nextWakeAtMs;
    if (wakeAtMs !== undefined)
      life.timeline.after(Math.max(1, wakeAtMs - life.timeline.nowMs), () => this.#wake());
    if (isLeft) life.timeline.after(REMOVAL_RETRY_MS, () => this.#wake());
    if (this.#isDirty) this.#begin();
  }

  /** When the pass is over, before anything else may have happened. */
  #checkReady({ pass, plan }: Run): void {
    const { mutation } = this.#life;
    const { phase, counts } = pass.summary();
    if (phase !== 'Ready' && !(mutation === 'ready-too-soon' && counts.Error === 0)) return;
    for (const node of plan.nodes) {
      const seen = node.isPending ? undefined : this.#life.cache.get(objectName(node.node));
      // An edit that came after the pass began is drift: it is repaired, and does not make the graph unready.
      const isRight = seen?.health === 'ready' && [contentOf(node.node), EDITED].includes(seen.content);
      this.#life.invariants.check(isRight, 'a graph is ready only if all its nodes are', () => node.id);
    }
  }

  #inputs(graph: WantedGraph): ReadonlyMap<string, NodeInput> {
    const stored = this.#life.store.status;
    const isOfThisGraph = stored?.generation === graph.generation;
    const inputs = new Map<string, NodeInput>();
    for (const node of graph.nodes) {
      const {
        attempts: _attempts,
        nextAttemptAt: _next,
        ...fresh
      } = stored?.statuses[node.id] ?? { phase: 'Pending' };
      const status: NodeStatus = (isOfThisGraph ? stored?.statuses[node.id] : undefined) ?? fresh;
      inputs.set(node.id, this.#inputOf(node, status));
    }
    return inputs;
  }

  #inputOf(node: GraphNode, status: NodeStatus): NodeInput {
    const wasEverReady = status.readyAt !== undefined;
    if (!isResolvedNode(node)) {
      const readiness: Readiness = {
        state: 'waiting',
        reason: 'WaitingForValues',
        message: 'is not known yet',
      };
      return { status, work: 'wait', isChanged: false, wasEverReady, readiness };
    }
    const name = objectName(node);
    const entry = this.#life.ledger.get(name);
    const seen = this.#life.cache.get(name);
    const work = workOf(entry, seen, contentOf(node));
    const isOutdated = work === 'create' || work === 'update';
    const isUnsettled =
      status.appliedAt !== undefined && (status.readyAt === undefined || status.appliedAt >= status.readyAt);
    return {
      status,
      work,
      isChanged: isOutdated || isUnsettled,
      wasEverReady,
      readiness: this.#readinessOf(name),
    };
  }

  #readinessOf(name: string): Readiness {
    const seen = this.#life.cache.get(name);
    if (seen === undefined) return { state: 'waiting', reason: 'NotFound', message: 'does not exist' };
    if (seen.isLeaving) return { state: 'waiting', reason: 'Terminating', message: 'is being deleted' };
    return { state: seen.health, reason: 'Observed', message: `is ${seen.health}` };
  }
}

function workOf(
  entry: InventoryItem | undefined,
  seen: Readonly<WorldObject> | undefined,
  content: string,
): NodeInput['work'] {
  if (entry?.uid === undefined) return 'create';
  if (entry.sent !== content) return 'update';
  if (seen?.uid !== entry.uid || seen.isLeaving) return 'repair';
  return seen.content === content ? 'none' : 'repair';
}

function planOf({ nodes }: WantedGraph, mutation: Mutation | undefined): Plan {
  const given =
    mutation === 'blind-to-dependencies' ? nodes.map((node) => ({ ...node, dependsOn: [] })) : nodes;
  const planned = buildPlan(given, { namespace: 'sim' });
  if (planned.ok) return planned.plan;
  throw new Error(planned.problems.map(({ message }) => message).join());
}

function plannedObjects(plan: Plan): readonly PlannedObject[] {
  return plan.nodes.flatMap((node) => {
    if (node.isPending) return [];
    const { group, kind, namespace, name } = node.identity;
    return {
      nodeId: node.id,
      group,
      version: 'v1',
      kind,
      namespace,
      name,
      deletion: 'Delete',
      wave: node.wave,
    };
  });
}
