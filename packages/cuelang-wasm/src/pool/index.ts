export type { CrewStats } from './crew.ts';
export type { CuePoolOptions, RecycleOptions } from './options.ts';
export {
  type CallOptions,
  CuePool,
  CuePoolClosedError,
  type CuePoolStats,
  type FormatOutcome,
} from './pool.ts';
