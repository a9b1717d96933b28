// What no watch tells of is asked beside the passes. A pass says which questions it has (`want`) and reads the answers
// that are there (`answerOf`); a change of an answer brings its graph back to the queue, the same answer again does
// nothing at all.
//
// Invariants:
// - one question of a probe at a time; so many of a namespace, and of the process;
// - an answer to a question that was asked before the object was last applied is dropped (`renew`);
// - where `confirmInMs` is given, one bad answer after a good one is asked for again before it is believed.
import type { NamespacedName } from '../api/index.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../observability/index.ts';
import type { Clock } from '../runtime/index.ts';
import type { ProbeFinding } from './answer.ts';
import { Turns } from './turns.ts';

/** Questions at a time. */
const CONCURRENCY = 32;
const CONCURRENCY_OF_NAMESPACE = 16;
/** Share of an interval that is left to chance. */
const JITTER = 0.1;

/** A graph, as the owner of probes. */
export interface ProbeOwner {
  readonly uid: string;
  readonly key: NamespacedName;
}

/** A question that is to be asked again and again. */
export interface WantedProbe {
  readonly nodeId: string;
  /** The same for the same question about the node. */
  readonly key: string;
  readonly intervalMs: number;
  readonly firstInMs: number;
  readonly confirmInMs?: number;
  /** @param memory the same object each time. */
  readonly ask: (memory: object, signal: AbortSignal) => Promise<ProbeFinding>;
}

export interface ProbesOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

interface Probe {
  readonly owner: ProbeOwner;
  /** Aborted when the probe is given up. */
  readonly end: AbortController;
  wanted: WantedProbe;
  answer: ProbeFinding | undefined;
  isAsking: boolean;
  isConfirming: boolean;
  dueAtMs: number;
  cancelTimer: () => void;
}

export class Probes {
  readonly #options: ProbesOptions;
  readonly #turns = new Turns(CONCURRENCY, CONCURRENCY_OF_NAMESPACE);
  readonly #byGraph = new Map<string, { readonly uid: string; readonly probes: Map<string, Probe> }>();
  readonly #listeners = new Set<(graph: NamespacedName) => void>();
  #isStopped = false;

  constructor(options: ProbesOptions) {
    this.#options = options;
  }

  /** Calls `listener` with each graph that an answer changed for. */
  onChange(listener: (graph: NamespacedName) => void): void {
    this.#listeners.add(listener);
  }

  /** Asks these questions of a graph from now on, and no others. */
  want(owner: ProbeOwner, wanted: readonly WantedProbe[]): void {
    if (this.#isStopped) return;
    const known = this.#probesOf(owner);
    const kept = new Map<string, Probe>();
    for (const each of wanted) {
      const key = keyOf(each.nodeId, each.key);
      kept.set(key, this.#updated(owner, each, kept.get(key) ?? known?.get(key)));
      known?.delete(key);
    }
    this.release(owner.key);
    if (kept.size > 0) this.#byGraph.set(graphKey(owner.key), { uid: owner.uid, probes: kept });
  }

  /** Asks nothing more of a graph. */
  release(graph: NamespacedName): void {
    for (const probe of this.#byGraph.get(graphKey(graph))?.probes.values() ?? []) giveUp(probe);
    this.#byGraph.delete(graphKey(graph));
  }

  /** The newest answer; undefined while there is none. */
  answerOf(owner: ProbeOwner, nodeId: string, key: string): ProbeFinding | undefined {
    return this.#probesOf(owner)?.get(keyOf(nodeId, key))?.answer;
  }

  /** The node's object has just been applied: what was known of it does not count any more, nor what is being asked. */
  renew(owner: ProbeOwner, nodeId: string): void {
    const probes = this.#probesOf(owner);
    for (const [key, probe] of probes ?? []) {
      if (probe.wanted.nodeId !== nodeId) continue;
      giveUp(probe);
      probes?.delete(key);
    }
  }

  /** Ends all questions. */
  stop(): void {
    this.#isStopped = true;
    for (const { probes } of this.#byGraph.values()) for (const probe of probes.values()) giveUp(probe);
    this.#byGraph.clear();
  }

  /** A graph of the same name that is another one has no probes. */
  #probesOf({ uid, key }: ProbeOwner): Map<string, Probe> | undefined {
    const found = this.#byGraph.get(graphKey(key));
    return found?.uid === uid ? found.probes : undefined;
  }

  #updated(owner: ProbeOwner, wanted: WantedProbe, known: Probe | undefined): Probe {
    if (known === undefined) return this.#started(owner, wanted);
    const isSooner = wanted.intervalMs < known.wanted.intervalMs;
    known.wanted = wanted;
    const soonestMs = this.#options.clock.now() + wanted.intervalMs;
    if (isSooner && !known.isAsking && known.dueAtMs > soonestMs) this.#schedule(known, wanted.intervalMs);
    return known;
  }

  #started(owner: ProbeOwner, wanted: WantedProbe): Probe {
    const probe: Probe = {
      owner,
      wanted,
      end: new AbortController(),
      answer: undefined,
      isAsking: false,
      isConfirming: false,
      dueAtMs: 0,
      cancelTimer: () => undefined,
    };
    this.#schedule(probe, wanted.firstInMs);
    return probe;
  }

  #schedule(probe: Probe, delayMs: number): void {
    const { clock } = this.#options;
    probe.cancelTimer();
    probe.dueAtMs = clock.now() + delayMs;
    probe.cancelTimer = clock.setTimer(delayMs, () => {
      probe.isAsking = true;
      this.#turns.add(probe.owner.key.namespace, () => this.#ask(probe));
    });
  }

  async #ask(probe: Probe): Promise<void> {
    const { signal } = probe.end;
    if (signal.aborted) return;
    try {
      const finding = await probe.wanted.ask(probe, signal);
      if (!signal.aborted) this.#take(probe, finding);
    } catch (error) {
      if (signal.aborted) return;
      const { namespace, name } = probe.owner.key;
      const about = { namespace, name, node: probe.wanted.nodeId, error: messageOf(error) };
      this.#options.log.error(about, 'probe failed');
    }
    probe.isAsking = false;
    if (!signal.aborted) this.#schedule(probe, this.#nextInMs(probe));
  }

  #nextInMs({ wanted, isConfirming }: Probe): number {
    const nextMs = wanted.intervalMs * (1 + JITTER * (2 * this.#options.random() - 1));
    return isConfirming ? Math.min(wanted.confirmInMs ?? nextMs, nextMs) : nextMs;
  }

  #take(probe: Probe, finding: ProbeFinding): void {
    const before = probe.answer;
    const isWorse = before?.state === 'ready' && finding.state === 'waiting';
    probe.isConfirming = isWorse && probe.wanted.confirmInMs !== undefined && !probe.isConfirming;
    if (probe.isConfirming || (before !== undefined && isSame(before, finding))) return;
    probe.answer = finding;
    const { namespace, name } = probe.owner.key;
    this.#options.log.debug({ namespace, name, node: probe.wanted.nodeId, ...finding }, 'probe answered');
    for (const listener of this.#listeners) listener(probe.owner.key);
  }
}

function graphKey({ namespace, name }: NamespacedName): string {
  return `${namespace}/${name}`;
}

function giveUp({ end, cancelTimer }: Probe): void {
  cancelTimer();
  end.abort(new Error('nobody asks any more'));
}

function keyOf(nodeId: string, key: string): string {
  return `${nodeId} ${key}`;
}

function isSame(one: ProbeFinding, other: ProbeFinding): boolean {
  return one.state === other.state && one.reason === other.reason && one.message === other.message;
}
