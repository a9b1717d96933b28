// What is remembered of a Transform between passes. Nothing here is needed to be right: without it a pass reads its
// source once more, renders once more, or writes progress a second later. It goes with the Transform, or with a restart.
import type {
  KubeObject,
  LiveRenders,
  ModuleDependency,
  NamespacedName,
  Violation,
} from '../../api/index.ts';
import type { PequodError } from '../../errors.ts';
import type { JsonObject } from '../../json/index.ts';
import type { KeyFilter } from '../../runtime/index.ts';
import type { Resolution } from '../../source/index.ts';
import type { Failure } from './failure.ts';
import type { Hold } from './findings.ts';
import type { GraphSize } from './graph-size.ts';
import type { LivePace } from './live-renders.ts';

/** The last answer of the source. */
export interface SourceMemory {
  /** What it was asked for; another question is asked at once. */
  readonly question: string;
  readonly answer:
    | { readonly ok: true; readonly resolution: Resolution }
    | {
        readonly ok: false;
        readonly error: PequodError;
        /** When the first of the failures in a row was asked: nobody wants an answer that is older. */
        readonly sinceMs: number;
        /** What stays in force: the place is silent, and gave this for the same reference. */
        readonly lastGood?: Resolution;
      };
  /** When it is asked again by itself; undefined: not before something changes. */
  readonly nextAtMs: number | undefined;
  /** In a row. */
  readonly failures: number;
  /** The last of them; it outlives an answer that leads to nothing after all. */
  readonly trouble?: PequodError | undefined;
}

/** The input with the values of `inputFrom`, as they were last read. */
export interface InputMemory {
  /** What was asked for; another question is asked at once. */
  readonly question: string;
  readonly answer:
    | { readonly ok: true; readonly input: JsonObject }
    | { readonly ok: false; readonly failure: Failure };
  /** When it is read again by itself; undefined: not before something changes. */
  readonly nextAtMs: number | undefined;
  /** In a row. */
  readonly failures: number;
}

/** What a render gave, without the nodes. */
export interface RenderSummary {
  readonly key: string;
  readonly reads: readonly string[];
  readonly renderHash: string;
  /** The key without live values; undefined where the nodes are not at hand and it is not asked for. */
  readonly sourceKey?: string;
  /** Warnings; undefined where only the graph still knows them. */
  readonly violations: readonly Violation[] | undefined;
  /** The modules that were imported; undefined where that is not at hand: it is as it was for the same digest. */
  readonly dependencies?: readonly ModuleDependency[] | undefined;
  /** Live values for whose want it may lack nodes that ran; undefined where only the graph still knows them. */
  readonly awaits?: readonly string[];
}

/** A render that failed, so that it is not repeated. */
export interface FailedRender {
  readonly key: string;
  readonly reads: readonly string[];
  readonly failure: Failure;
  readonly retryAtMs: number | undefined;
}

/** One generation of a graph, measured: it is large, and changes only with the generation. */
export interface GraphMeasure {
  readonly uid: string;
  readonly generation: number;
  /** Hash of the nodes. */
  readonly hash: string;
  readonly size: GraphSize;
}

export interface TransformMemory {
  readonly uid: string;
  source?: SourceMemory | undefined;
  /** What was last fetched and of use, and the hash of the reference that it was for. */
  good?: { readonly cueRef: string; readonly resolution: Resolution } | undefined;
  input?: InputMemory | undefined;
  rendered?: RenderSummary | undefined;
  failed?: FailedRender | undefined;
  /** How often in a row the API server has refused what was rendered. */
  refusals?: number;
  /** Graphs that differ by live values only; undefined where the module reads none. */
  live?: LiveRenders | undefined;
  livePace?: LivePace | undefined;
  measure?: GraphMeasure | undefined;
  /** What the API server made of nodes that we wrote, where it changed them: nothing is gained by writing again. */
  storedAs?: { readonly renderHash: string; readonly hash: string } | undefined;
  /** A revision that can't be run, so that it is not read again and again. */
  unrunnable?: { readonly question: string; readonly hold: Hold; readonly retryAtMs?: number } | undefined;
  /** Generation of the graph, by uid, that failed and has no revision to go back to. */
  dead?: string | undefined;
  /** Token of the last reconcile that was asked for and that this process has seen. */
  token?: string | undefined;
  statusWrittenAtMs?: number | undefined;
  /** Since when there is progress that is not in the status yet. */
  unwrittenSinceMs?: number | undefined;
}

/** The memories of all Transforms. */
export class TransformMemories {
  readonly #memories = new Map<string, { readonly key: NamespacedName; readonly memory: TransformMemory }>();

  /** The memory of this very object: one of the same name that is gone has left nothing. */
  of(transform: KubeObject): TransformMemory {
    const { namespace = '', name, uid = '' } = transform.metadata;
    const id = `${namespace}/${name}`;
    const known = this.#memories.get(id)?.memory;
    if (known?.uid === uid) return known;
    const fresh: TransformMemory = { uid };
    this.#memories.set(id, { key: { namespace, name }, memory: fresh });
    return fresh;
  }

  forget({ namespace, name }: NamespacedName): void {
    this.#memories.delete(`${namespace}/${name}`);
  }

  /** Forgets all that match. */
  forgetAll(isForgotten: KeyFilter): void {
    for (const { key } of [...this.#memories.values()]) if (isForgotten(key)) this.forget(key);
  }
}
