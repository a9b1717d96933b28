export { type ClusterFacts, type RenderContext, renderContext } from './context.ts';
export { RenderError, type RenderErrorCode, type RenderPhase } from './render-error.ts';
export { type RenderKeyParts, renderKey } from './render-key.ts';
export type {
  ModuleMetadata,
  ModuleRenderer,
  Rendered,
  RenderFailed,
  RenderRequest,
  RenderResult,
} from './result.ts';
