// What stands between an operator and its API server in tests of faults: it passes every request on, keeps a record of
// it, and does at a chosen call what a bad day does.

/** What a call is, as audit logs name it; `discovery` is whatever is no call about a resource. */
export type Verb =
  | 'get'
  | 'list'
  | 'watch'
  | 'create'
  | 'apply'
  | 'patch'
  | 'update'
  | 'delete'
  | 'review'
  | 'discovery';

/** One request of the operator. */
export interface SeenCall {
  /** From 1, in the order in which requests came in since the last `restartCount`. */
  readonly number: number;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly verb: Verb;
  /** With its group, e.g. `deployments.apps`; empty for discovery. */
  readonly resource: string;
  readonly subresource: string | undefined;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** Whom the call was made as; undefined for the operator itself. */
  readonly impersonated: string | undefined;
  /** Whether the call may store something: no review, no dry run. */
  readonly isWrite: boolean;
  readonly isLease: boolean;
  /** Milliseconds of `performance.now()`. */
  readonly receivedAtMs: number;
  /** What the API server answered; undefined as long as it has not, or was not asked. */
  landed:
    | {
        readonly status: number;
        readonly atMs: number;
        /** Of the object in the answer to a write. */
        readonly resourceVersion: string | undefined;
      }
    | undefined;
  /** What the operator got: a status, or nothing that it can use. Undefined while it waits. */
  delivered: { readonly status: number | 'none'; readonly atMs: number } | undefined;
  /** Of a watch: how many events went through to the operator since its initial list was complete. */
  changes: number;
  /** Which fault was put upon it. */
  fault: Fault['type'] | undefined;
}

/** Statuses that an API server answers with on a bad day. */
export type FaultStatus = 409 | 422 | 429 | 500 | 503 | 504;

/**
 * When a fault of a watch begins: after so many events that followed its initial list; 0 is right behind that list.
 * Absent: at once. Bookmarks are no events.
 */
interface Begins {
  readonly afterEvents?: number;
}

/** What happens to a watch while it is open. */
export type WatchFault =
  /** Silence, and the connection stays. */
  | (Begins & { readonly type: 'stall' })
  /** The next so many events are left out, bookmarks go through. An initial list is never made shorter. */
  | (Begins & { readonly type: 'drop-events'; readonly count: number })
  /** An ERROR frame with this status, then the end of the stream. */
  | (Begins & { readonly type: 'error-frame'; readonly status: 410 | 429 | 500 })
  /** Its stream ends, cleanly, in the middle of its next frame where `isInsideFrame`; also after a time. */
  | (Begins & { readonly type: 'end-stream'; readonly isInsideFrame: boolean; readonly afterMs?: number });

export type Fault =
  /** Calls `kill` and lets nothing more of the operator through: before the call is passed on, or after it has landed. */
  | { readonly type: 'kill'; readonly when: 'before' | 'after'; readonly kill: () => void }
  /** The call lands; the connection is reset instead of an answer. */
  | { readonly type: 'response-lost' }
  /** The connection is reset before the call is passed on. */
  | { readonly type: 'reset' }
  /** The call lands; its answer ends with a reset after so many bytes of its body. */
  | { readonly type: 'cut'; readonly afterBytes: number }
  /** The call lands; its answer is half a document with the length of half a document. Not for watches. */
  | { readonly type: 'truncated-json' }
  /** The call is passed on so much later. */
  | { readonly type: 'delay'; readonly ms: number }
  /** The call is passed on, and never answered. */
  | { readonly type: 'no-answer' }
  /** The call is not passed on; this is the answer, as the API server words it. */
  | { readonly type: 'status'; readonly status: FaultStatus; readonly retryAfterSeconds?: number }
  /** A watch or list: answered 410, as after a compaction. */
  | { readonly type: 'gone' }
  | WatchFault;

export interface FaultRule {
  /** Asked for each call that the fault can be put upon (one of watches: for watches), until the rule is spent. */
  readonly matches: (call: SeenCall) => boolean;
  readonly fault: Fault;
  /** How many calls it is for. Default 1. */
  readonly times?: number;
}

/** A fault that waits for its moment on watches. */
export interface WaitingStrike {
  /** The watch that was struck. */
  readonly struck: SeenCall | undefined;
  /** Resolves when it has been; never, where it is not. */
  readonly whenStruck: Promise<void>;
  /** Takes it away. */
  end(): void;
}

export interface FaultProxy {
  /** `https://127.0.0.1:<port>`, with a certificate of the cluster's own authority. */
  readonly url: string;
  /** A kubeconfig for this identity that leads through the proxy. */
  kubeconfigFor(identity: {
    readonly serviceAccount: { readonly namespace: string; readonly name: string };
  }): Promise<string>;
  /** All calls since the last {@link restartCount}, in order. */
  readonly calls: readonly SeenCall[];
  /** Calls `handler` with each call when it comes in. @returns what ends it */
  onCall(handler: (call: SeenCall) => void): () => void;
  /** Adds a rule; of several that match a call the oldest counts. @returns what takes it away */
  inject(rule: FaultRule): () => void;
  /**
   * Puts a fault upon one of the watches that match, open ones included: events are counted over all of them, from now
   * on, and the watch that carries the last one is struck, once.
   */
  injectIntoWatches(rule: {
    readonly matches: (watch: SeenCall) => boolean;
    readonly fault: WatchFault;
  }): WaitingStrike;
  /** Calls `handler` with the watch of each event that goes through, initial lists aside. @returns what ends it */
  onEvent(handler: (watch: SeenCall) => void): () => void;
  /** Begins to count anew, with an empty record. Calls that are under way belong to the old one. */
  restartCount(): void;
  /** Resolves when nothing is under way at the API server any more, watches aside: after a kill all has landed. */
  idle(): Promise<void>;
  /** After a kill: lets calls through again, those of the operator's next life. */
  letThrough(): void;
  /**
   * Freezes what lists and watches show at a resourceVersion: lists and WatchLists that ask for no version of their own
   * show the state of that version, watches say no more, those that are open fall silent at once. A GET of one object is
   * not frozen: a real API server reads it from a quorum of etcd, however old its own cache is.
   * @returns what thaws it: streams end, and the next ones show what there is.
   */
  freeze(resourceVersion: string): () => void;
  close(): Promise<void>;
}
