export { type HealthCheck, HealthServer, type HealthServerOptions } from './health-server.ts';
export type { ListenAddress } from './listener.ts';
export { MetricsServer, type MetricsServerOptions } from './metrics-server.ts';
