export { type ClusterFacts, type RenderContext, renderContext } from './context.ts';
export type { CueEvaluator } from './evaluator.ts';
export { checkModule, type ModuleCheck } from './module-check.ts';
export {
  type ExportTable,
  OBSERVED_FIELD,
  type ObservedValues,
  PENDING_NODES_ID,
} from './observed.ts';
export { createEvaluatorPool, type EvaluatorPoolOptions } from './pool.ts';
export { EvaluatorPulse } from './pulse.ts';
export { RenderError, type RenderErrorCode, type RenderPhase } from './render-error.ts';
export { type RenderKeyParts, renderKey } from './render-key.ts';
export { DEFAULT_RENDER_LIMITS, Renderer, type RendererOptions, type RenderLimits } from './renderer.ts';
export type {
  ModuleMetadata,
  ModuleRenderer,
  Rendered,
  RenderFailed,
  RenderRequest,
  RenderResult,
} from './result.ts';
