// The five objects of the benchmarks, once as a module with Transforms of it, once as they are. The same five kinds as
// in the published figures of other operators, which is what the figures here are held against.
import { API_VERSION, type KubeObject, TRANSFORM_KIND } from '../../src/api/index.ts';
import type { JsonObject } from '../../src/json/index.ts';
import { TENANT } from './namespaces.ts';

/** Objects of one Transform. */
export const OBJECTS = 5;

/** A module as a user would write it; every Transform carries its text. */
const MODULE = `package app

#Input: {
	image:    string & !=""
	host:     string & !=""
	replicas: int & >=0 | *0
	settings: [string]: string
}

input: #Input
context: {name: string, ...}

_labels: "app.kubernetes.io/name": context.name
_metadata: {name: context.name, labels: _labels}

graph: nodes: {
	config: object: {
		apiVersion: "v1"
		kind:       "ConfigMap"
		metadata:   _metadata
		data:       input.settings
	}
	account: object: {
		apiVersion: "v1"
		kind:       "ServiceAccount"
		metadata:   _metadata
	}
	app: {
		dependsOn: ["config", "account"]
		object: {
			apiVersion: "apps/v1"
			kind:       "Deployment"
			metadata:   _metadata
			spec: {
				replicas: input.replicas
				selector: matchLabels: _labels
				template: {
					metadata: labels: _labels
					spec: {
						serviceAccountName: context.name
						securityContext: runAsNonRoot: true
						containers: [{
							name:  "app"
							image: input.image
							ports: [{name: "http", containerPort: 8080}]
							envFrom: [{configMapRef: name: context.name}]
							resources: {
								requests: {cpu: "100m", memory: "128Mi"}
								limits: memory: "256Mi"
							}
						}]
					}
				}
			}
		}
	}
	service: object: {
		apiVersion: "v1"
		kind:       "Service"
		metadata:   _metadata
		spec: {
			selector: _labels
			ports: [{name: "http", port: 80, targetPort: "http"}]
		}
	}
	ingress: object: {
		apiVersion: "networking.k8s.io/v1"
		kind:       "Ingress"
		metadata:   _metadata
		spec: rules: [{
			host: input.host
			http: paths: [{path: "/", pathType: "Prefix", backend: service: {name: context.name, port: name: "http"}}]
		}]
	}
}
`;

const IMAGE = 'registry.k8s.io/app:1.0';

/** Which module the Transforms are of: the one above, or the webservice that ships with the operator. */
export type ModuleChoice = 'inline' | 'webservice';

export function transformOf(choice: ModuleChoice, namespace: string, name: string): KubeObject {
  const settings = settingsOf(name);
  const ingress = { host: hostOf(name) };
  const spec: JsonObject =
    choice === 'inline'
      ? { cueRef: { type: 'inline', ref: MODULE }, input: { image: IMAGE, ...ingress, settings } }
      : {
          cueRef: { type: 'embedded', ref: 'webservice' },
          input: { image: IMAGE, replicas: 0, env: settings, ingress },
        };
  return {
    apiVersion: API_VERSION,
    kind: TRANSFORM_KIND,
    metadata: { name, namespace },
    spec: { ...spec, serviceAccountName: TENANT },
  };
}

/** An object, and the path that it is applied at. */
export interface PlainObject {
  readonly path: string;
  readonly object: JsonObject;
}

/** What the module above makes of a Transform of this name. */
export function plainObjects(namespace: string, name: string): readonly PlainObject[] {
  const labels = { 'app.kubernetes.io/name': name };
  const metadata = { name, namespace, labels };
  const pod = {
    serviceAccountName: name,
    securityContext: { runAsNonRoot: true },
    containers: [
      {
        name: 'app',
        image: IMAGE,
        ports: [{ name: 'http', containerPort: 8080 }],
        envFrom: [{ configMapRef: { name } }],
        resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
      },
    ],
  };
  const backend = { service: { name, port: { name: 'http' } } };
  const core = `/api/v1/namespaces/${namespace}`;
  return [
    {
      path: `${core}/configmaps/${name}`,
      object: { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: settingsOf(name) },
    },
    {
      path: `${core}/serviceaccounts/${name}`,
      object: { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    },
    {
      path: `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`,
      object: {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata,
        spec: {
          replicas: 0,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: pod },
        },
      },
    },
    {
      path: `${core}/services/${name}`,
      object: {
        apiVersion: 'v1',
        kind: 'Service',
        metadata,
        spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
      },
    },
    {
      path: `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses/${name}`,
      object: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata,
        spec: {
          rules: [{ host: hostOf(name), http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
        },
      },
    },
  ];
}

function settingsOf(name: string): JsonObject {
  return { GREETING: `hello from ${name}`, LOG_LEVEL: 'info' };
}

function hostOf(name: string): string {
  return `${name}.example.com`;
}
