export { createLogger, LOG_LEVELS, type Logger, type LogLevel, silentLogger } from './logger.ts';
export {
  type CacheLevel,
  type CacheTier,
  type CircuitState,
  type HostCircuit,
  Metrics,
} from './metrics.ts';
export type { QueueLevel } from './queue-metrics.ts';
