import { describe, expect } from 'vitest';
import type { JsonObject } from '../src/json/index.ts';
import { configMap, inline, story, useOperator } from './support/index.ts';

useOperator();

/** A Job that satisfies the default policies and goes when it is done. */
function migration(name: string): JsonObject {
  const resources = { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '16Mi' } };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      ttlSecondsAfterFinished: 1,
      template: {
        spec: {
          restartPolicy: 'Never',
          securityContext: { runAsNonRoot: true },
          containers: [{ name: 'main', image: 'docker.io/library/main:1', resources }],
        },
      },
    },
  };
}

describe.concurrent('Jobs', () => {
  story('a Job that goes by its TTL has run once, and stays over', async ({ space }) => {
    const nodes = {
      migrate: { object: migration('migrate') },
      app: configMap('app', {}, { dependsOn: ['migrate'] }),
    };
    await space.transform('shop', inline(nodes));
    const { uid } = (await space.untilFound('Job', 'migrate')).metadata;
    await space.untilGone('Job', 'migrate');
    // Another Transform comes up after whatever that may have caused.
    await space.transform('later', inline({ later: configMap('later') }));
    await space.untilReady('later');
    expect((await space.find('Job', 'migrate'))?.metadata.uid ?? uid).toBe(uid);
    await space.untilReady('shop');
    expect(await space.names('Job')).toEqual([]);
  });
});
