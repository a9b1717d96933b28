// What a path in a repository may be called to become a path of a module. isomorphic-git refuses names that git itself
// forbids in a tree (`.git` in all its spellings, slashes, `..`); these are the names that mean something else elsewhere.
import { SourceError } from '../../errors.ts';

/** Control and format characters, those that Windows forbids, and what stands for bytes that are not UTF-8. */
const FORBIDDEN = /[\p{C}<>:"|?*\\\uFFFD]/u;
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i;
const MAX_PATH_LENGTH = 512;
const LFS_POINTER = 'version https://git-lfs.github.com/spec/';

/** Paths of one module, checked against each other. */
export class TreeRules {
  readonly #place: string;
  readonly #spellings = new Map<string, string>();

  constructor(place: string) {
    this.#place = place;
  }

  /** @throws SourceError `SOURCE_INVALID` */
  checkPath(path: string): void {
    if (path.length > MAX_PATH_LENGTH)
      throw this.refusal(path, `is longer than ${MAX_PATH_LENGTH} characters`);
    const parts = path.split('/');
    for (const part of parts) {
      const isPlain =
        part !== '' &&
        !FORBIDDEN.test(part) &&
        !/[. ]$/.test(part) &&
        !DEVICE.test(part) &&
        !/~\d+$/.test(part);
      if (!isPlain) throw this.refusal(path, 'has a name that is not safe on every system');
    }
    for (const at of parts.keys()) this.#checkSpelling(parts.slice(0, at + 1).join('/'));
  }

  /** @throws SourceError `SOURCE_INVALID` */
  checkContent(path: string, content: Uint8Array): void {
    if (Buffer.from(content.subarray(0, LFS_POINTER.length)).toString('latin1') === LFS_POINTER) {
      throw this.refusal(path, 'is in Git LFS, which is not fetched: keep CUE files in git itself');
    }
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(content);
    } catch (cause) {
      throw this.refusal(path, 'is not UTF-8 text', cause);
    }
  }

  refusal(path: string, why: string, cause?: unknown): SourceError {
    const shown = JSON.stringify(path.slice(0, 200)).slice(1, -1);
    return new SourceError('SOURCE_INVALID', `${shown} in ${this.#place} ${why}`, { cause });
  }

  /** Two spellings of one path would be one file on some systems. */
  #checkSpelling(path: string): void {
    const folded = path.normalize('NFC').toLowerCase();
    const known = this.#spellings.get(folded);
    if (known === undefined) this.#spellings.set(folded, path);
    else if (known !== path) throw this.refusal(path, `differs from ${known} only in how it is spelt`);
  }
}
