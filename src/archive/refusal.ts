import { SourceError } from '../errors.ts';

/** Names in messages are cut here: an archive may have names of 64 KiB. */
const SHOWN_NAME_LENGTH = 120;

/** The archive can't be a module's, whatever its size. `entry` is the name as the archive has it. */
export function refused(entry: string, why: string, cause?: unknown): SourceError {
  return new SourceError('SOURCE_INVALID', `archive entry ${quoted(entry)} ${why}`, { cause });
}

/** As {@link refused}, where no one entry is at fault. */
export function refusedArchive(why: string, cause?: unknown): SourceError {
  return new SourceError('SOURCE_INVALID', `the archive ${why}`, { cause });
}

/** More than the limits let in. */
export function tooLarge(what: string): SourceError {
  return new SourceError('SOURCE_TOO_LARGE', what);
}

/** A name as one line of printable text, cut where it is long. */
export function quoted(name: string): string {
  const text = name.length > SHOWN_NAME_LENGTH ? `${name.slice(0, SHOWN_NAME_LENGTH)}…` : name;
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
