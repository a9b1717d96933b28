import type { CueDiagnostic } from '../diagnostic.ts';
import type { CueModuleInfo, CueTree } from '../module-source.ts';
import type { CueResult } from '../query.ts';

/** What a worker starts with. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
}

/** What a worker says: that it is ready, an answer, or that it is lost. */
export type WorkerMessage =
  | { readonly type: 'ready'; readonly memoryBytes: number }
  | { readonly type: 'answer'; readonly text: string; readonly memoryBytes: number }
  | { readonly type: 'lost'; readonly message: string; readonly isOutOfMemory: boolean };

/** A module version with its tree, as the evaluator takes it. */
export interface SuppliedDependency {
  readonly path: string;
  readonly version: string;
  readonly files: CueTree;
}

/** The evaluator's answer. The Go side writes exactly this. */
export interface EvaluatorAnswer {
  /** The module has to be sent along. */
  readonly unknown?: boolean;
  /** Dependencies have to be sent along. */
  readonly needs?: readonly { readonly path: string; readonly version: string }[];
  readonly errors?: readonly CueDiagnostic[];
  readonly results?: readonly (CueResult | null)[];
  readonly evicted?: readonly string[];
  readonly module?: CueModuleInfo;
  readonly text?: string;
}
