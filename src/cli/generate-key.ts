import { open, unlink } from 'node:fs/promises';
import { Command } from 'commander';
import { messageOf } from '../errors.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';
import { PASSPHRASE_HELP, readPassphrase } from './passphrase.ts';
import { type Terminal, write } from './terminal.ts';

interface GenerateKeyFlags {
  readonly outputPrefix: string;
  readonly passphraseStdin?: boolean;
}

export function generateKeyCommand(terminal: Terminal): Command {
  return new Command('generate-key')
    .option('--output-prefix <path>', 'where the two files are written; nothing is overwritten', 'pequod')
    .option('--passphrase-stdin', PASSPHRASE_HELP)
    .action(async ({ outputPrefix, passphraseStdin = false }: GenerateKeyFlags) => {
      const passphrase = await readPassphrase(terminal.stdin, passphraseStdin);
      // Loaded here, so that the other commands start without it.
      const { generateSigningKey } = await import('../signatures/index.ts');
      const { key, publicKey } = generateSigningKey(passphrase);
      await writePair(`${outputPrefix}.key`, key, `${outputPrefix}.pub`, publicKey);
      const kind = passphrase === undefined ? 'not encrypted' : 'encrypted';
      await write(terminal.stdout, `${outputPrefix}.key (${kind})\n${outputPrefix}.pub\n`);
    });
}

/** Both files or none. */
async function writePair(keyFile: string, key: string, publicFile: string, publicKey: string): Promise<void> {
  await writeNew(keyFile, key, 0o600);
  try {
    await writeNew(publicFile, publicKey, 0o644);
  } catch (error) {
    await unlink(keyFile);
    throw error;
  }
}

async function writeNew(file: string, content: string, mode: number): Promise<void> {
  try {
    await using handle = await open(file, 'wx', mode);
    await handle.writeFile(content);
    await handle.sync();
  } catch (error) {
    throw new CliError(`${file}: ${messageOf(error)}`, EXIT_CODES.usage, error);
  }
}
