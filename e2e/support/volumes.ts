import type { Resource } from '../../src/kube/index.ts';
import type { Space } from './space.ts';
import { adminClient } from './story.ts';

/** Size of the volumes. */
export const PV_SIZE = '1Gi';

const PERSISTENT_VOLUMES: Resource = {
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  namespaced: false,
  verbs: ['create', 'delete'],
};

/** A volume for this claim and no other, as an administrator provides it. */
export async function volumeFor(space: Space, claim: string): Promise<void> {
  const { namespace } = space;
  await adminClient().create(
    PERSISTENT_VOLUMES,
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: `${namespace}-${claim}` },
      spec: {
        capacity: { storage: PV_SIZE },
        accessModes: ['ReadWriteOnce'],
        hostPath: { path: `/volumes/${namespace}/${claim}` },
        claimRef: { namespace, name: claim },
        persistentVolumeReclaimPolicy: 'Retain',
      },
    },
    {},
    AbortSignal.timeout(30_000),
  );
}
