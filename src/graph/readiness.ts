/** Whether an object is what its node waits for, as last seen. */
export interface Readiness {
  /** `failed` is an opinion of this moment too: it may become ready later. */
  readonly state: 'ready' | 'waiting' | 'failed';
  /** CamelCase. */
  readonly reason: string;
  /** Reads on after the name of the object: `not available (1/3)`. */
  readonly message: string;
  /** While waiting: when this turns into a failure if nothing else happens. */
  readonly deadlineAtMs?: number;
}
