import { TerminalError } from '../errors.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|[smh]))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|[smh])/g;
const MAX_LENGTH = 32;

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
 * Reads a Go duration of hours, minutes, seconds and milliseconds: `5m`, `1h30m`, `500ms`, `1.5s`.
 * @returns whole milliseconds
 * @throws DurationError when it is not one, or not within `limits`
 */
export function parseDuration(text: string, limits: DurationLimits = {}): number {
  if (text.length > MAX_LENGTH || !DURATION.test(text)) {
    throw new DurationError(
      `not a duration: ${JSON.stringify(text.slice(0, MAX_LENGTH))}, expected e.g. 30s, 5m or 1h30m`,
    );
  }
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(PART)) totalMs += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  const ms = Math.round(totalMs);
  const { minMs = 0, maxMs = Number.MAX_SAFE_INTEGER } = limits;
  if (ms < minMs) throw new DurationError(`duration ${text} is shorter than ${minMs} ms`);
  if (ms > maxMs) throw new DurationError(`duration ${text} is longer than ${maxMs} ms`);
  return ms;
}
