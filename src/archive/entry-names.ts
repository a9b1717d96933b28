// The names in an archive. What passes is a relative path that means the same on every file system: no way out of its
// folder, no second spelling of another entry, no file that is a folder to another entry.
import { SourceError } from '../errors.ts';
import { quoted, refused } from './refusal.ts';

const MAX_NAME_LENGTH = 1024;
const MAX_DEPTH = 32;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

interface Known {
  readonly path: string;
  readonly isFolder: boolean;
}

/** Text of a name. @throws SourceError where the bytes are not UTF-8 */
export function decodeName(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw refused(Buffer.from(bytes).toString('latin1'), 'has a name that is not UTF-8', error);
  }
}

/** All names of one archive, or of what is put together like one. */
export class EntryNames {
  /** What the names are of, in messages. */
  readonly #subject: string;
  /** By the form in which names that a file system could take for one another are equal. */
  readonly #known = new Map<string, Known>();

  constructor(subject: string = 'archive entry') {
    this.#subject = subject;
  }

  /**
   * Checks a name and remembers it. Folders may come twice, files may not.
   * @returns the path, without a leading `./` and a folder's slash at the end; undefined for the archive's own root
   * @throws SourceError `SOURCE_INVALID` that says what is wrong with the name
   */
  add(name: string, isFolder: boolean): string | undefined {
    if (isFolder && /^\.\/?$/.test(name)) return undefined;
    const path = this.#checkedPath(name, isFolder);
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      this.#remember(name, { path: path.slice(0, slash), isFolder: true });
    }
    this.#remember(name, { path, isFolder });
    return path;
  }

  #remember(name: string, entry: Known): void {
    const key = folded(entry.path);
    const other = this.#known.get(key);
    if (other === undefined) {
      this.#known.set(key, entry);
    } else if (other.path !== entry.path) {
      throw this.#refused(
        name,
        `and ${quoted(other.path)} differ only in case or in how letters are encoded`,
      );
    } else if (other.isFolder !== entry.isFolder) {
      throw this.#refused(name, `takes ${quoted(entry.path)} for both a file and a folder`);
    } else if (!entry.isFolder) {
      throw this.#refused(name, 'is there twice');
    }
  }

  #checkedPath(name: string, isFolder: boolean): string {
    if (name === '') throw this.#refused(name, 'has no name');
    const relative = name.startsWith('./') ? name.slice(2) : name;
    if (relative.startsWith('/')) throw this.#refused(name, 'has an absolute path');
    const path = isFolder && relative.endsWith('/') ? relative.slice(0, -1) : relative;
    const problem = problemOf(path);
    if (problem !== undefined) throw this.#refused(name, problem);
    return path;
  }

  #refused(name: string, why: string): SourceError {
    return new SourceError('SOURCE_INVALID', `${this.#subject} ${quoted(name)} ${why}`);
  }
}

function problemOf(path: string): string | undefined {
  if (path.length > MAX_NAME_LENGTH) return `has a name of more than ${MAX_NAME_LENGTH} characters`;
  if (/^[A-Za-z]:/.test(path)) return 'has a path with a drive letter';
  if (path.includes('\\')) return 'has a backslash in its name';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is these that are looked for
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'has a control character in its name';
  const segments = path.split('/');
  if (segments.includes('..')) return 'leaves its folder by ..';
  if (segments.includes('')) return 'has an empty part in its path';
  if (segments.includes('.')) return 'has the part . in its path';
  if (segments.length > MAX_DEPTH) return `lies more than ${MAX_DEPTH} folders deep`;
  return undefined;
}

/** Equal for names that differ in case, or in composed and decomposed letters, only. */
function folded(path: string): string {
  return path.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');
}
