export { WriteFence } from './fence.ts';
export { HandOver, type HandOverOptions } from './hand-over.ts';
export {
  type LeaseCallReport,
  type LeaseEvent,
  LeaseHolder,
  type LeaseHolderOptions,
} from './holder.ts';
export type { LeaseAddress, LeaseRecord, StoredLease } from './record.ts';
export type { LeaseLoss } from './state.ts';
export { DEFAULT_LEASE_TIMINGS, type LeaseTimings, timingsProblem } from './timings.ts';
export { LeaseWatch, type LeaseWatchOptions } from './watch.ts';
