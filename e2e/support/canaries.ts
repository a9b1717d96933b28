// Secrets that no one may see again: each is planted once and looked for everywhere, in every form in which a program could
// have let it slip.
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kubectl } from '../../test/control-plane/index.ts';

export interface Found {
  readonly canary: string;
  /** Where it was, with some text around it. */
  readonly place: string;
}

/** Text by the name of the place that it is from. */
export type Places = ReadonlyMap<string, string>;

const AROUND = 120;
/** Bits of a Base64 letter: a text may begin at any of three places in a group. */
const ALIGNMENTS = [0, 1, 2] as const;

export class Canaries {
  /** Name to the parts that it can be known by. */
  readonly #planted = new Map<string, readonly string[]>();

  /** A new secret, with characters that are written otherwise in a URL and in JSON. */
  make(name: string): string {
    const core = randomBytes(12).toString('hex');
    this.#planted.set(name, [core]);
    return `p+/"${core}&?`;
  }

  /** A new secret that may stand in a URL's authority, and be a part of a host. */
  plain(name: string): string {
    const core = randomBytes(12).toString('hex');
    this.#planted.set(name, [core]);
    return core;
  }

  /** A secret of some lines, such as a key: each of its longer lines is looked for. */
  plant(name: string, text: string): string {
    const lines = text.split('\n').filter((line) => line.length > 30 && !line.startsWith('-----'));
    if (lines.length === 0) throw new Error(`${name} has nothing to look for`);
    this.#planted.set(name, lines);
    return text;
  }

  get names(): readonly string[] {
    return [...this.#planted.keys()];
  }

  /** All places where one of them can be seen. */
  seenIn(places: Places): readonly Found[] {
    const found: Found[] = [];
    for (const [place, text] of places) {
      const folded = text.toLowerCase();
      for (const [canary, parts] of this.#planted) {
        for (const form of parts.flatMap(formsOf)) {
          const at = folded.indexOf(form);
          if (at >= 0)
            found.push({ canary, place: `${place}: …${text.slice(Math.max(0, at - AROUND), at + AROUND)}` });
        }
      }
    }
    return found;
  }
}

/** Lower case, as a host or a header may fold it: as it is, percent-encoded, in hex, and in Base64. */
function formsOf(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  const base64 = ALIGNMENTS.flatMap((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // Without the letters that hold bits of what is before or behind.
    const inner = encoded.slice(offset === 0 ? 0 : offset + 1, -1);
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_'), encodeURIComponent(inner)];
  });
  const forms = [text, encodeURIComponent(text), bytes.toString('hex'), ...base64];
  return [...new Set(forms.map((form) => form.toLowerCase()))];
}

/** Every object that the cluster lists, of every kind, with all of its fields; one kind a place. */
export async function everyObject(kubectl: Kubectl, isWanted: (kind: string) => boolean): Promise<Places> {
  const listed = await kubectl(['api-resources', '--verbs=list', '-o', 'name']);
  const kinds = listed.split('\n').filter((kind) => kind !== '' && isWanted(kind));
  const texts = kinds.map(async (kind) => {
    const text = await kubectl([
      'get',
      kind,
      '-A',
      '-o',
      'json',
      '--show-managed-fields',
      '--ignore-not-found',
    ]);
    return [kind, text] as const;
  });
  return new Map(await Promise.all(texts));
}

/** The files below a folder, byte by byte. */
export async function everyFile(folder: string): Promise<Places> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = files.map(async ({ name, parentPath }) => {
    return [name, `${name} ${await readFile(join(parentPath, name), 'latin1')}`] as const;
  });
  return new Map(await Promise.all(texts));
}
