/** What an object is doing, in the words of kstatus. */
export interface ObjectStatus {
  readonly status: 'Current' | 'InProgress' | 'Failed' | 'Terminating';
  /** CamelCase. */
  readonly reason: string;
  /** Reads on after the name of the object. */
  readonly message: string;
}

export function current(message: string): ObjectStatus {
  return { status: 'Current', reason: 'Current', message };
}

export function inProgress(reason: string, message: string): ObjectStatus {
  return { status: 'InProgress', reason, message };
}

export function failed(reason: string, message: string): ObjectStatus {
  return { status: 'Failed', reason, message };
}

/** The first pair of numbers of which the first is still below the second, as an InProgress. */
export function firstShortfall(checks: readonly Shortfall[]): ObjectStatus | undefined {
  for (const [actual, wanted, reason, what] of checks) {
    if (actual < wanted) return inProgress(reason, `${what} (${actual}/${wanted})`);
  }
  return undefined;
}

/** Actual, wanted, reason and what it means when the first is below the second. */
export type Shortfall = readonly [actual: number, wanted: number, reason: string, what: string];
