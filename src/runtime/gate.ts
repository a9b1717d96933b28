/** Holds work back while there is no use in beginning it, as when the API server is away. */
export interface Gate {
  readonly isOpen: boolean;
  /** Resolves once {@link isOpen} holds. @throws the signal's reason when it is aborted first. */
  opened(signal: AbortSignal): Promise<void>;
}

/** The gate of work that depends on nothing. */
export const ALWAYS_OPEN: Gate = { isOpen: true, opened: async () => undefined };
