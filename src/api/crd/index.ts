export {
  MAX_MESSAGE_LENGTH,
  MAX_NODES,
  MAX_VIOLATIONS,
} from './common.ts';
export { MAX_DEPENDENCIES, MAX_INLINE_LENGTH } from './cue-ref.ts';
export {
  type DecodedTransform,
  decodeGraphNode,
  decodeResourceGraph,
  decodeTransform,
  describeProblems,
  graphNodeProblems,
} from './decode.ts';
export { resourceGraphDefinition, transformDefinition } from './definition.ts';
export { MAX_PLAN_CHANGES, MAX_PLAN_ITEMS, MAX_PLAN_VALUE_LENGTH } from './execution-plan.ts';
export { TRANSFORM_SPEC_SCHEMA } from './transform.ts';
