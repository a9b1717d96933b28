// Where the demo speaks. On a terminal the tree is redrawn in place; elsewhere only lines that changed are printed, so
// that a log stays readable.
import type { WriteStream } from 'node:tty';

const COLOURS: Readonly<Record<string, number>> = {
  Ready: 32,
  Applied: 36,
  Pending: 33,
  Deleting: 35,
  Error: 31,
};

export class Screen {
  readonly #out: WriteStream;
  readonly #startMs = performance.now();
  #drawn: readonly string[] = [];

  constructor(out: WriteStream) {
    this.#out = out;
  }

  /** A heading or a sentence; the tree, if one is shown, stays above it. */
  say(text: string): void {
    this.#drawn = [];
    const seconds = ((performance.now() - this.#startMs) / 1000).toFixed(1).padStart(6);
    this.#out.write(`${this.#out.isTTY ? `\x1b[2m${seconds}s\x1b[0m` : `${seconds}s`}  ${text}\n`);
  }

  /** Lines as they are, for instructions. */
  print(...lines: readonly string[]): void {
    this.#drawn = [];
    this.#out.write(`${lines.join('\n')}\n`);
  }

  /** Shows these lines in place of the ones shown last. */
  draw(lines: readonly string[]): void {
    if (this.#out.isTTY) {
      const up = this.#drawn.length === 0 ? '' : `\x1b[${this.#drawn.length}A\x1b[J`;
      const width = this.#out.columns;
      this.#out.write(`${up}${lines.map((line) => `${clip(line, width)}\n`).join('')}`);
    } else {
      const known = new Set(this.#drawn);
      for (const line of lines) if (!known.has(line)) this.#out.write(`         ${line}\n`);
    }
    this.#drawn = lines;
  }

  /** Colours a text by the phase it shows, on a terminal. */
  readonly paint = (phase: string, text: string): string => {
    const colour = COLOURS[phase];
    return this.#out.isTTY && colour !== undefined ? `\x1b[${colour}m${text}\x1b[0m` : text;
  };
}

/** Cuts a line at the terminal's width, so that it takes one row; colour codes take no room. */
function clip(line: string, width: number): string {
  let room = width;
  let out = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes start with one
  for (const [part] of line.matchAll(/\x1b\[\d*m|./gu)) {
    if (part.startsWith('\x1b')) out += part;
    else if (room > 0) {
      out += part;
      room -= 1;
    }
  }
  return out;
}
