// Modules as stories need them: JSON is CUE, so that a graph can be written down as the object that it is.
import type { JsonObject } from '../../src/json/index.ts';

/** What a story says of a node. */
export interface NodeInModule extends JsonObject {
  readonly object: JsonObject;
  readonly dependsOn?: readonly string[];
}

/** CUE source whose graph has exactly these nodes, by id. */
function moduleOf(nodes: { readonly [id: string]: NodeInModule }): string {
  return `package story\n\ngraph: nodes: ${JSON.stringify(nodes, undefined, '\t')}\n`;
}

/** Spec of a Transform with exactly these nodes. */
export function inline(nodes: { readonly [id: string]: NodeInModule }, more: JsonObject = {}): JsonObject {
  return { cueRef: { type: 'inline', ref: moduleOf(nodes) }, ...more };
}

/** A node that holds a ConfigMap. */
export function configMap(name: string, data: JsonObject = {}, more: JsonObject = {}): NodeInModule {
  return { ...more, object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data } };
}

/** A Deployment that satisfies the default policies. */
export function deploymentObject(
  name: string,
  spec: JsonObject = {},
  podAnnotations: JsonObject = {},
): JsonObject {
  const labels = { app: name };
  const resources = { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '16Mi' } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: 1,
      ...spec,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations: podAnnotations },
        spec: {
          securityContext: { runAsNonRoot: true },
          containers: [{ name: 'main', image: 'docker.io/library/main:1', resources }],
        },
      },
    },
  };
}

/** Pods with this annotation stay Pending for ever: see the harness's stages. */
export const NEVER_RUNS = { 'control-plane.test/outcome': 'pending' } as const;

/** The containers of Pods with this annotation are in CrashLoopBackOff. */
export const CRASHES = { 'control-plane.test/outcome': 'crashing' } as const;
