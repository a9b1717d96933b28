export { type ListenAddress, MetricsServer, type MetricsServerOptions } from './metrics-server.ts';
