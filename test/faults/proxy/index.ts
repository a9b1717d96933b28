export { startFaultProxy } from './proxy.ts';
export type {
  Fault,
  FaultProxy,
  FaultRule,
  FaultStatus,
  SeenCall,
  Verb,
  WaitingStrike,
  WatchFault,
} from './types.ts';
