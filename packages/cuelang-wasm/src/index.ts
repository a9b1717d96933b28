export type { CueDiagnostic, CueDiagnosticKind, CueLimit, CuePosition } from './diagnostic.ts';
export type { CueModule, CueModuleInfo, CueTree, DependencyLoader } from './module-source.ts';
export {
  type CallOptions,
  CuePool,
  CuePoolClosedError,
  type CuePoolOptions,
  type CuePoolStats,
  type FormatOutcome,
  type RecycleOptions,
} from './pool/index.ts';
export type * from './query.ts';
export type { CueVersion } from './wasm/index.ts';
