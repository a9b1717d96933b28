import { API_GROUP, API_VERSION, RESOURCE_GRAPH_KIND, TRANSFORM_KIND } from '../keys.ts';
import type { KubeObject } from '../meta.ts';
import { type SchemaNode, toOpenApi } from '../schema/index.ts';
import { RESOURCE_GRAPH_SPEC_SCHEMA, RESOURCE_GRAPH_STATUS_SCHEMA } from './resource-graph.ts';
import { TRANSFORM_SPEC_SCHEMA, TRANSFORM_STATUS_SCHEMA } from './transform.ts';

interface Column {
  readonly name: string;
  readonly jsonPath: string;
  readonly type?: 'string' | 'date' | 'integer';
  readonly description: string;
  /** 1: only with `-o wide`. */
  readonly priority?: number;
}

interface Definition {
  readonly kind: string;
  readonly plural: string;
  readonly shortName: string;
  readonly description: string;
  readonly spec: { readonly node: SchemaNode };
  readonly status: { readonly node: SchemaNode };
  readonly columns: readonly Column[];
  readonly selectable: readonly string[];
}

const AGE: Column = {
  name: 'Age',
  jsonPath: '.metadata.creationTimestamp',
  type: 'date',
  description: 'Time since creation.',
};
const READY: Column = {
  name: 'Ready',
  jsonPath: '.status.conditions[?(@.type=="Ready")].status',
  description: 'Is everything as declared?',
};
const BLOCKED_BY: Column = {
  name: 'Blocked by',
  jsonPath: '.status.blockedBy',
  description: 'What is waited for.',
};

/** The CustomResourceDefinition of Transform. */
export function transformDefinition(): KubeObject {
  return define({
    kind: TRANSFORM_KIND,
    plural: 'transforms',
    shortName: 'tf',
    description: 'Take this CUE module, this input, and keep the result running.',
    spec: TRANSFORM_SPEC_SCHEMA,
    status: TRANSFORM_STATUS_SCHEMA,
    columns: [
      READY,
      {
        name: 'Reason',
        jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
        description: 'Why it is ready or not.',
      },
      {
        name: 'Nodes',
        jsonPath: '.status.readyNodes',
        description: 'How many nodes are ready, of how many.',
      },
      { name: 'Module', jsonPath: '.spec.cueRef.type', description: 'Where the module is.' },
      {
        name: 'Revision',
        jsonPath: '.status.currentRevision',
        type: 'integer',
        description: 'Number of the revision that runs.',
        priority: 1,
      },
      {
        name: 'Digest',
        jsonPath: '.status.applied.digest',
        description: 'What the running graph was rendered from.',
        priority: 1,
      },
      BLOCKED_BY,
      AGE,
    ],
    selectable: ['.spec.cueRef.type'],
  });
}

/** The CustomResourceDefinition of ResourceGraph. */
export function resourceGraphDefinition(): KubeObject {
  return define({
    kind: RESOURCE_GRAPH_KIND,
    plural: 'resourcegraphs',
    shortName: 'rg',
    description: 'The executable plan of one Transform. Written by the operator alone.',
    spec: RESOURCE_GRAPH_SPEC_SCHEMA,
    status: RESOURCE_GRAPH_STATUS_SCHEMA,
    columns: [
      { name: 'Phase', jsonPath: '.status.phase', description: 'How far the graph is.' },
      READY,
      {
        name: 'Healthy',
        jsonPath: '.status.conditions[?(@.type=="Healthy")].status',
        description: 'Is what was ready still so?',
      },
      BLOCKED_BY,
      AGE,
    ],
    selectable: ['.status.phase'],
  });
}

function define(definition: Definition): KubeObject {
  const version = API_VERSION.slice(API_GROUP.length + 1);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${definition.plural}.${API_GROUP}` },
    spec: {
      group: API_GROUP,
      names: {
        kind: definition.kind,
        listKind: `${definition.kind}List`,
        plural: definition.plural,
        singular: definition.kind.toLowerCase(),
        shortNames: [definition.shortName],
        categories: ['pequod'],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: definition.columns.map(({ type = 'string', ...column }) => ({
            ...column,
            type,
          })),
          selectableFields: definition.selectable.map((jsonPath) => ({ jsonPath })),
          schema: {
            openAPIV3Schema: {
              description: definition.description,
              type: 'object',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: toOpenApi(definition.spec),
                status: toOpenApi(definition.status),
              },
            },
          },
        },
      ],
    },
  };
}
