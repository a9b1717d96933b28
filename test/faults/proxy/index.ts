export { startFaultProxy } from './proxy.ts';
export type { Fault, FaultProxy, FaultRule, FaultStatus, SeenCall, Verb, WatchFault } from './types.ts';
