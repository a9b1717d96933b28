// What is asked of the applier, and what it answers.
import type { ApplyPolicy, InventoryItem, KubeObject, Origin } from '../api/index.ts';
import type { FieldConflict } from '../errors.ts';
import type { Resource } from '../kube/index.ts';
import type { Drift } from './drift.ts';

/** One object to bring about. */
export interface ApplyRequest {
  readonly resource: Resource;
  /** The object as it would be sent for an entry of the given origin. */
  readonly stamped: (origin: Origin) => KubeObject;
  readonly policy: ApplyPolicy;
  readonly ignoreFields: readonly string[];
  /** What the inventory says; it is recorded in status before this is called. */
  readonly entry: InventoryItem;
  /** True where an earlier write may have landed without our knowing, or the object is not as we left it. */
  readonly isLookFirst: boolean;
  /** True where only what we applied before is put back, so that fields taken by an Update may be forced. */
  readonly isRepair: boolean;
  /** Stores the entry of an object that was there before us; called before the first write to it. */
  readonly recordFound: (entry: InventoryItem) => Promise<void>;
  /** Told of what people should know of beside the outcome. */
  readonly tell: (notice: ApplyNotice) => void;
}

/** `taken`: fields of others are ours now, because the node asks for it. `recreating`: the object is about to be deleted. */
export type ApplyNotice =
  | { readonly type: 'taken'; readonly conflicts: readonly FieldConflict[] }
  | { readonly type: 'recreating'; readonly fields: readonly string[] };

export interface ApplyOutcome {
  /** The entry with uid, origin and both hashes of what is now in the cluster. */
  readonly entry: InventoryItem;
  /** The API server's last answer. */
  readonly object: KubeObject;
  /** False where the object is left as it was. */
  readonly isWritten: boolean;
  /** What a repair put back; undefined where it changed nothing, as where only the server's defaults are others now. */
  readonly drift?: Drift;
}
