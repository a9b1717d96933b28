export {
  KUBE_OBJECT_SCHEMA,
  MAX_INVENTORY_ITEMS,
  MAX_MESSAGE_LENGTH,
  MAX_NODES,
  MAX_VIOLATIONS,
} from './common.ts';
export { type DecodedTransform, decodeResourceGraph, decodeTransform, describeProblems } from './decode.ts';
export { resourceGraphDefinition, transformDefinition } from './definition.ts';
export {
  GRAPH_NODE_SCHEMA,
  RESOURCE_GRAPH_SPEC_SCHEMA,
  RESOURCE_GRAPH_STATUS_SCHEMA,
} from './resource-graph.ts';
export { MAX_INLINE_LENGTH, TRANSFORM_SPEC_SCHEMA, TRANSFORM_STATUS_SCHEMA } from './transform.ts';
