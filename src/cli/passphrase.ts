import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

/** Where cosign looks for it, so that what a pipeline has for cosign does here. */
const PASSPHRASE_VARIABLE = 'COSIGN_PASSWORD';

/** How the flag that reads it from standard input explains itself. */
export const PASSPHRASE_HELP: string = `read the key's passphrase from standard input, not from $${PASSPHRASE_VARIABLE}`;

/** The passphrase of a key; undefined where there is none, and for an empty one. The end of its line is not part of it. */
export async function readPassphrase(stdin: Readable, isOnStdin: boolean): Promise<string | undefined> {
  const said = isOnStdin ? (await text(stdin)).replace(/\r?\n$/, '') : process.env[PASSPHRASE_VARIABLE];
  return said === '' ? undefined : said;
}
