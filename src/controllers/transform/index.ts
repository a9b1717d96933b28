export { createTransformController, type TransformController } from './controller.ts';
export {
  DEFAULT_GRAPH_WRITE_LIMITS,
  type GraphWriteLimits,
  type TransformControllerDependencies,
} from './dependencies.ts';
