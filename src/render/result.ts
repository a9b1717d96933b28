import type { GraphNode, Violation } from '../api/index.ts';
import type { JsonObject } from '../json/index.ts';
import type { ResolvedModule } from '../source/index.ts';
import type { RenderContext } from './context.ts';
import type { ExportTable, ObservedValues } from './observed.ts';
import type { RenderError, RenderPhase } from './render-error.ts';

export interface RenderRequest {
  readonly module: ResolvedModule;
  readonly input: JsonObject;
  readonly context: RenderContext;
  /** Filled into `observed` of a module that refers to it. */
  readonly observed?: ObservedValues;
  /** By which expressions the values were computed. A value of another expression than the module has is left out. */
  readonly expressions?: ExportTable;
}

/** `ok: false` is about the module or the input; whatever else goes wrong is thrown. */
export type RenderResult = Rendered | RenderFailed;

export interface Rendered {
  readonly ok: true;
  /** In the order of declaration; those that wait for live values have no object. */
  readonly nodes: readonly GraphNode[];
  readonly metadata: ModuleMetadata;
  /** Warnings and notes of the module and of the policies. */
  readonly violations: readonly Violation[];
  /** Hash of the nodes. */
  readonly renderHash: string;
  /** Paths of `context` and `observed` that the module refers to, sorted, for `renderKey`. */
  readonly reads: readonly string[];
}

/** What a module says of itself in `graph.metadata`. */
export interface ModuleMetadata {
  readonly name?: string;
  readonly version?: string;
}

export interface RenderFailed {
  readonly ok: false;
  /** The condition that this turns to False. */
  readonly phase: RenderPhase;
  /** All errors with path and position, then warnings. */
  readonly violations: readonly Violation[];
  /** Code, reason, one-line message, and when to try again. */
  readonly error: RenderError;
  /** As in {@link Rendered}, so that a failure too is not evaluated again while nothing has changed. */
  readonly reads: readonly string[];
}

/** Turns a module and an input into nodes. */
export interface ModuleRenderer {
  /** Digest of the default policies and of the packages that every module may import: a part of the render key. */
  readonly policiesDigest: string;
  /** Version of the evaluator, a part of the render key. */
  readonly evaluatorVersion: string;
  /** @throws the signal's reason when aborted, and what the evaluator throws when it can't work at all. */
  render(request: RenderRequest, signal: AbortSignal): Promise<RenderResult>;
}
