// What a Transform says about how its graph is run, and what is copied into the graph as it stands.
import { array, boolean, literals, object, optional, type Schema, string } from '../schema/index.ts';
import type {
  AdoptedResource,
  Adoption,
  AdoptionStrategy,
  DriftPolicy,
  HealthCheck,
  PrunePolicy,
} from '../transform.ts';
import { duration, MAX_NAME_LENGTH, nodeId, text } from './common.ts';

/** Most objects that one Transform takes over by name. */
export const MAX_ADOPTED_RESOURCES = 100;

const resource: Schema<AdoptedResource> = object<AdoptedResource>({
  apiVersion: string({ minLength: 1, maxLength: 317 }),
  kind: string({ minLength: 1, maxLength: 63 }),
  namespace: optional(text(MAX_NAME_LENGTH, "Default: the Transform's.")),
  name: string({ minLength: 1, maxLength: MAX_NAME_LENGTH }),
  nodeId: optional(nodeId('Node that describes it; else the one whose object it is.')),
});

export function adoption(): Schema<Adoption> {
  return object<Adoption>(
    {
      mode: literals<'Explicit'>({ Explicit: true }, { description: 'Only what is listed.' }),
      strategy: literals<AdoptionStrategy>(
        { TakeOwnership: true, Mirror: true },
        { description: 'TakeOwnership: managed from now on. Mirror: read and waited for, never written.' },
      ),
      resources: array(resource, {
        description: 'The objects.',
        minItems: 1,
        maxItems: MAX_ADOPTED_RESOURCES,
        listType: 'atomic',
      }),
    },
    { description: 'Existing objects to take over, or to read only.', mapType: 'atomic' },
  );
}

export function prunePolicy(): Schema<PrunePolicy> {
  return literals<PrunePolicy>(
    { AfterApplied: true, AfterReady: true },
    {
      description:
        'When objects that left the graph go: once all others are applied, or ready. Default: AfterApplied.',
    },
  );
}

export function driftPolicy(): Schema<DriftPolicy> {
  return literals<DriftPolicy>(
    { correct: true, detect: true, ignore: true },
    { description: 'What is done about changes that others make to the objects. Default: correct.' },
  );
}

export function suspend(): Schema<boolean> {
  return boolean({ description: 'No fetch, render, apply or repair. Deletion still works.' });
}

export function healthCheck(): Schema<HealthCheck> {
  return object<HealthCheck>({
    interval: optional(
      duration('How often what no watch tells of is looked at again once it is ready. Default: 1m.'),
    ),
  });
}

export function progressDeadline(): Schema<string> {
  return duration('Not ready for this long after a change is a failure, retried all the same. Default: 10m.');
}
