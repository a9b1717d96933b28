// Counts what an archive takes while it is read. Each count is made before the bytes are unpacked or kept, so that nothing
// over the limits is ever in memory.
import type { ArchiveLimits } from './file-map.ts';
import { quoted, tooLarge } from './refusal.ts';

/** So few unpacked bytes harm nobody, whatever they were packed into. */
const RATIO_FREE_BYTES = 128 * 1024;

/** What is left of the limits. */
export class Budget {
  readonly #limits: ArchiveLimits;
  #entries = 0;
  #bytes = 0;

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  /** One more entry: a file, a folder, or a header that describes the next entry. */
  takeEntry(): void {
    this.#entries += 1;
    this.checkEntries(this.#entries);
  }

  /** For archives that say how many entries they have. */
  checkEntries(count: number): void {
    const { maxEntries } = this.#limits;
    if (count > maxEntries) throw tooLarge(`the archive has more than ${maxEntries} entries`);
  }

  /** One more file of that size. */
  takeFile(name: string, bytes: number): void {
    const { maxBytes, maxFileBytes } = this.#limits;
    if (bytes > maxFileBytes) {
      throw tooLarge(`archive entry ${quoted(name)} has ${bytes} bytes, at most ${maxFileBytes} are taken`);
    }
    this.#bytes += bytes;
    if (this.#bytes > maxBytes) {
      throw tooLarge(`the files of the archive have more than ${maxBytes} bytes together`);
    }
  }

  /** `unpacked` bytes came, or would come, out of `packed` ones. */
  checkRatio(packed: number, unpacked: number): void {
    const { maxRatio } = this.#limits;
    if (unpacked > RATIO_FREE_BYTES && unpacked > packed * maxRatio) {
      throw tooLarge(`the archive unpacks to more than ${maxRatio} times its size`);
    }
  }
}
