// The WWW-Authenticate header (RFC 9110, section 11.6.1): several challenges in one line or many, with quoted texts in
// them that may hold commas. What can't be read ends the line; it is a stranger's, so nothing is thrown.

/** How a server wants to be told who asks. */
export interface Challenge {
  /** In small letters. */
  readonly scheme: string;
  /** By names in small letters. Of two with one name the first. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const SEPARATORS = /[ \t,]*/y;
const EQUALS = /[ \t]*=[ \t]*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
/** A scheme's single text in place of parameters, as of Negotiate. */
const TOKEN68 = /[ \t]+[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;

/** Reads the lines of a WWW-Authenticate header. */
export function parseChallenges(lines: readonly string[]): readonly Challenge[] {
  return lines.flatMap((line) => parseLine(line));
}

function parseLine(line: string): readonly Challenge[] {
  const challenges: { readonly scheme: string; readonly parameters: Map<string, string> }[] = [];
  const scanner = new Scanner(line);
  for (;;) {
    scanner.take(SEPARATORS);
    const token = scanner.take(TOKEN)?.[0];
    if (token === undefined) return challenges;
    const current = challenges.at(-1);
    if (current !== undefined && scanner.take(EQUALS) !== undefined) {
      const value = scanner.take(QUOTED)?.[1]?.replace(/\\(.)/g, '$1') ?? scanner.take(TOKEN)?.[0];
      if (value === undefined) return challenges;
      const name = token.toLowerCase();
      if (!current.parameters.has(name)) current.parameters.set(name, value);
    } else {
      challenges.push({ scheme: token.toLowerCase(), parameters: new Map() });
      scanner.take(TOKEN68);
    }
  }
}

class Scanner {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** What `pattern` matches right here; undefined, and nothing is taken, where it does not. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#position;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#position = pattern.lastIndex;
    return match;
  }
}
