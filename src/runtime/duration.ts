import { durationMs } from '../api/index.ts';
import { TerminalError } from '../errors.ts';

/** How much of a wrong text is shown. */
const SHOWN_LENGTH = 32;

export interface DurationLimits {
  readonly minMs?: number;
  readonly maxMs?: number;
}

/** A duration that can't be read, or that is out of its limits. Retried when the object changes. */
export class DurationError extends TerminalError {
  constructor(message: string) {
    super(message, { code: 'INVALID_DURATION', reason: 'InvalidDuration' });
  }
}

/**
 * Reads a Go duration: `5m`, `1h30m`, `500ms`, `1.5s`.
 * @returns whole milliseconds
 * @throws DurationError when it is not one, or not within `limits`
 */
export function parseDuration(text: string, limits: DurationLimits = {}): number {
  const exactMs = durationMs(text);
  if (exactMs === undefined || exactMs > Number.MAX_SAFE_INTEGER) {
    throw new DurationError(
      `not a duration: ${JSON.stringify(text.slice(0, SHOWN_LENGTH))}, expected e.g. 30s, 5m or 1h30m`,
    );
  }
  const ms = Math.round(exactMs);
  const { minMs = 0, maxMs = Number.MAX_SAFE_INTEGER } = limits;
  if (ms < minMs) throw new DurationError(`duration ${text} is shorter than ${minMs} ms`);
  if (ms > maxMs) throw new DurationError(`duration ${text} is longer than ${maxMs} ms`);
  return ms;
}
