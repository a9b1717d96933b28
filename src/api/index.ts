export * from './cue-ref.ts';
export { durationMs } from './duration.ts';
export * from './keys.ts';
export * from './meta.ts';
export * from './resource-graph.ts';
export * from './transform.ts';
