export { Children, GRAPH_INDEX } from './children.ts';
export { createGraphController, type GraphControllerOptions } from './controller.ts';
export type { GraphDependencies, GraphLimits, NamespaceState } from './dependencies.ts';
export { Mirrors, mirrorProjection } from './mirrors.ts';
export { NodeInterests } from './node-interests.ts';
export { GraphSessions } from './session.ts';
export { WarmKinds } from './warm-kinds.ts';
