import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { isJsonObject, parseJson } from '../json/index.ts';
import { type Terminal, write } from './terminal.ts';

/** Version of this program: from the package.json beside src/, in the sources and in what is built from them. */
export async function programVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  const content = parseJson(text);
  const version = isJsonObject(content) ? content['version'] : undefined;
  return typeof version === 'string' ? version : 'unknown';
}

export function versionCommand(terminal: Terminal): Command {
  return new Command('version').action(async () => {
    await write(terminal.stdout, `pequod ${await programVersion()}\n`);
  });
}
