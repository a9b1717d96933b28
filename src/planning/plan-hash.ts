// What an approval stands for: which nodes under which policies, in the place of what, and each object that would be
// lost, made again or taken over, by uid. Nothing of an object's content is in it but the hash that the render has.
import { identityKey, type ObjectIdentity, type PlanAction, type PlanPolicies } from '../api/index.ts';
import { hashJson } from '../json/index.ts';

/** Something that would be done to an object. */
export interface PlannedEffect {
  readonly action: PlanAction;
  readonly identity: ObjectIdentity;
  readonly uid: string | undefined;
}

export interface PlanFacts {
  /** `renderHash` of the candidate. */
  readonly candidateHash: string;
  readonly policies: PlanPolicies;
  /** `renderHash` of the graph that runs. */
  readonly runningHash: string;
  readonly effects: readonly PlannedEffect[];
}

/** Actions that an approval is tied to, object by object. */
const COVERED: ReadonlySet<PlanAction> = new Set(['Adopt', 'Prune', 'Recreate']);
/** 16 bytes in hex: short enough to be typed, long enough not to be met by chance or intent. */
const HASH_LENGTH = 32;

/** What `pequod.io/approve` has to say. */
export function planHash({ candidateHash, policies, runningHash, effects }: PlanFacts): string {
  const covered = effects
    .filter(({ action }) => COVERED.has(action))
    .map(({ action, identity, uid = '' }) => [action, identityKey(identity), uid].join(' '))
    .sort();
  const text = hashJson({ candidateHash, policies, runningHash, covered });
  return text.slice('sha256:'.length, 'sha256:'.length + HASH_LENGTH);
}
