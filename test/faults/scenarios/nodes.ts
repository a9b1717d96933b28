// The nodes of the scenarios: several kinds, one that takes a while to be ready, and chains.
import { deploymentObject } from '../../../e2e/support/modules.ts';
import type { JsonObject } from '../../../src/json/index.ts';
import { configMapObject, type Nodes } from '../../campaign/bases.ts';

export function serviceObject(name: string, port: number, targetPort: number = 8080): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ name: 'http', port, protocol: 'TCP', targetPort }] },
  };
}

export function accountObject(name: string): JsonObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } };
}

/** `done` waits for the Deployment, which waits for everything else. */
export const SHOP: Nodes = {
  settings: { object: configMapObject('settings', { colour: 'red', size: '1' }) },
  account: { object: accountObject('runner') },
  service: { object: serviceObject('web', 80), dependsOn: ['settings'] },
  app: { object: deploymentObject('web', { replicas: 0 }), dependsOn: ['account', 'service'] },
  done: { object: configMapObject('done', { k: 'v' }), dependsOn: ['app'] },
};
