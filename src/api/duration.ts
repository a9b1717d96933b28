const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['μs', 1e-3],
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

const WHOLE = /^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

/** Longest text that is looked at as a duration. */
const MAX_LENGTH = 64;

/**
 * Milliseconds of a duration as Go writes it, without a sign: `90s`, `1h30m`, `1.5m`; `0` is taken too.
 * Undefined for anything else.
 */
export function durationMs(text: string): number | undefined {
  if (text === '0') return 0;
  if (text.length > MAX_LENGTH || !WHOLE.test(text)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(PART)) {
    totalMs += Number(amount) * (UNIT_MS.get(unit ?? '') ?? 0);
  }
  return totalMs;
}
