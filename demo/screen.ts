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
  /** Rows of the terminal that the next drawing replaces. */
  #rows = 0;
  #shown: ReadonlySet<string> = new Set();

  constructor(out: WriteStream) {
    this.#out = out;
  }

  /** A heading or a sentence; the tree, if one is shown, stays above it. */
  say(text: string): void {
    this.#rows = 0;
    const seconds = ((performance.now() - this.#startMs) / 1000).toFixed(1).padStart(6);
    this.#out.write(`${this.#out.isTTY ? `\x1b[2m${seconds}s\x1b[0m` : `${seconds}s`}  ${text}\n`);
  }

  /** Lines as they are, for instructions. */
  print(...lines: readonly string[]): void {
    this.#rows = 0;
    this.#out.write(`${lines.join('\n')}\n`);
  }

  /** Does it redraw? Otherwise it prints what changed. */
  get isInteractive(): boolean {
    return this.#out.isTTY;
  }

  /** Shows these lines in place of the ones shown last, or prints those that are new. */
  draw(lines: readonly string[]): void {
    if (this.isInteractive) {
      if (this.#rows === lines.length && lines.every((line) => this.#shown.has(line))) return;
      const up = this.#rows === 0 ? '' : `\x1b[${this.#rows}A\x1b[J`;
      const width = this.#out.columns;
      this.#out.write(`${up}${lines.map((line) => `${clip(line, width)}\n`).join('')}`);
      this.#rows = lines.length;
    } else {
      for (const line of lines) if (!this.#shown.has(line)) this.#out.write(`         ${line}\n`);
    }
    this.#shown = new Set(lines);
  }

  /** Colours a text by the phase it shows, on a terminal. */
  readonly paint = (phase: string, text: string): string => {
    const colour = COLOURS[phase];
    return this.isInteractive && colour !== undefined ? `\x1b[${colour}m${text}\x1b[0m` : text;
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
