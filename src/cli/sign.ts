import { Command, Option } from 'commander';
import { isSourceError, messageOf, SourceError } from '../errors.ts';
import { formatOciReference, type OciReference } from '../registry/index.ts';
import { readSigningKey, SignatureVerifier, type SigningKey, signDigest } from '../signatures/index.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';
import { readFlagFile } from './flag-file.ts';
import { interruptible } from './interrupt.ts';
import { PASSPHRASE_HELP, readPassphrase } from './passphrase.ts';
import {
  type RegistryFlags,
  RegistrySession,
  readReference,
  withRegistryOptions,
} from './registry-access.ts';
import { type Terminal, write } from './terminal.ts';

interface SignFlags extends RegistryFlags {
  /** A file. */
  readonly key: string;
  readonly passphraseStdin?: boolean;
  readonly classic?: boolean;
  readonly output: 'text' | 'json';
}

export function signCommand(terminal: Terminal, signal: AbortSignal): Command {
  const command = new Command('sign')
    .argument(
      '<reference>',
      'oci://registry/repository@sha256:…; of a tag, the digest that it names is signed',
    )
    .requiredOption('--key <file>', 'private key in PEM: PKCS#8, SEC1 or PKCS#1')
    .option('--passphrase-stdin', PASSPHRASE_HELP)
    .option('--classic', 'sign in the format of cosign 1 and 2 as well')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .action((reference: string, flags: SignFlags) =>
      interruptible(signal, (stop) => sign(readReference(reference), flags, terminal, stop)),
    );
  return withRegistryOptions(command);
}

async function sign(
  reference: OciReference,
  flags: SignFlags,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const key = await readKey(flags, terminal);
  await using session = await RegistrySession.open(reference, flags, terminal.stdin);
  const digest = await signed(reference, key, session, flags.classic ?? false, signal).catch(
    (error: unknown) => {
      throw session.explained(error);
    },
  );
  const named = formatOciReference({ ...reference, digest });
  const said = flags.output === 'json' ? JSON.stringify({ reference: named, digest }, null, 2) : named;
  await write(terminal.stdout, `${said}\n`);
}

/** Signs the digest that a reference names, and looks whether the registry gives the signature back. */
async function signed(
  reference: OciReference,
  key: SigningKey,
  session: RegistrySession,
  isClassic: boolean,
  signal: AbortSignal,
): Promise<string> {
  const access = session.accessTo(reference);
  const { registry } = session;
  const { digest } = await registry.resolve(reference, access, signal);
  const place = { reference, digest, access };
  await signDigest(registry, place, key, { isClassic, now: new Date() }, signal);
  const verifier = new SignatureVerifier({ registry });
  const policy = { keys: [{ name: 'that signed it', pem: key.publicPem }] };
  try {
    await verifier.verify(place, policy, signal);
  } catch (error) {
    if (!isSourceError(error, 'SOURCE_UNVERIFIED')) throw error;
    throw new CliError(
      `error: the signature was sent, but the registry does not give it back: ${messageOf(error)}`,
      EXIT_CODES.failure,
      error,
    );
  }
  return digest;
}

async function readKey(
  { key: file, passphraseStdin = false, passwordStdin = false }: SignFlags,
  { stdin }: Terminal,
): Promise<SigningKey> {
  if (passphraseStdin && passwordStdin) {
    throw new CliError(
      'error: --passphrase-stdin and --password-stdin both read standard input: give the passphrase in $COSIGN_PASSWORD',
    );
  }
  const pem = await readFlagFile('--key', file);
  try {
    return readSigningKey(pem, await readPassphrase(stdin, passphraseStdin));
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    throw new CliError(`error: --key ${file}: ${error.message}`, EXIT_CODES.usage, error);
  }
}
