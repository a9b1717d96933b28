// Imports nothing: what else the program loads does not run on the versions that this turns away.

/** Oldest Node that the program runs on: `JSON.rawJSON` keeps numbers as they are written. */
const OLDEST_MAJOR = 24;

/**
 * Why the program can't run on this Node; undefined where it can.
 * @param version as `process.version` says it, e.g. `v24.1.0`
 */
export function nodeVersionProblem(version: string): string | undefined {
  const [, major = '0'] = /^v(\d+)\./.exec(version) ?? [];
  if (Number(major) >= OLDEST_MAJOR) return undefined;
  return `pequod needs Node ${OLDEST_MAJOR} or later; this is ${version}`;
}
