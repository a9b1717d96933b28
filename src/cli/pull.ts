import { Command, Option } from 'commander';
import { type PulledModule, pullModule, writeFolder } from '../publishing/index.ts';
import { formatOciReference, type OciReference } from '../registry/index.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';
import { interruptible } from './interrupt.ts';
import {
  type RegistryFlags,
  RegistrySession,
  readReference,
  withRegistryOptions,
} from './registry-access.ts';
import { type Terminal, write } from './terminal.ts';
import {
  type AskedVerification,
  readVerification,
  type VerificationFlags,
  verifiedDigest,
  withVerificationOptions,
} from './verification-flags.ts';

interface PullFlags extends RegistryFlags, VerificationFlags {
  readonly force?: boolean;
  readonly output: 'text' | 'json';
}

export function pullCommand(terminal: Terminal, signal: AbortSignal): Command {
  const command = new Command('pull')
    .argument('<reference>', 'oci://registry/repository:tag, or @sha256:… in place of the tag')
    .argument('<folder>', 'new, or empty')
    .option('--force', 'replace files in a folder that is not empty')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .action((reference: string, folder: string, flags: PullFlags) =>
      interruptible(signal, (stop) => pull(readPlace(reference), folder, flags, terminal, stop)),
    );
  return withRegistryOptions(withVerificationOptions(command));
}

async function pull(
  reference: OciReference,
  folder: string,
  flags: PullFlags,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const asked = await readVerification(flags);
  await using session = await RegistrySession.open(reference, flags, terminal.stdin);
  const { digest, files } = await fetched(reference, session, asked, signal).catch((error: unknown) => {
    throw session.explained(error);
  });
  const { force: isReplacing = false, output } = flags;
  const state = await writeFolder(folder, files, { isReplacing }, signal);
  if (state === 'occupied') {
    throw new CliError(
      `error: ${folder} is not empty: name a new folder, or replace files in it with --force`,
      EXIT_CODES.failure,
    );
  }
  const pulled = formatOciReference({ ...reference, digest });
  const names = [...files.keys()].sort();
  const said =
    output === 'json' ? JSON.stringify({ reference: pulled, digest, files: names }, null, 2) : pulled;
  await write(terminal.stdout, `${said}\n`);
}

/** What is verified is a digest, and that digest is what is then fetched. */
async function fetched(
  reference: OciReference,
  session: RegistrySession,
  asked: AskedVerification | undefined,
  signal: AbortSignal,
): Promise<PulledModule> {
  const access = session.accessTo(reference);
  const { registry } = session;
  if (asked === undefined) return await pullModule(registry, reference, access, signal);
  const { rootDigest } = await verifiedDigest(registry, reference, access, asked, signal);
  return await pullModule(registry, { ...reference, digest: rootDigest }, access, signal);
}

function readPlace(text: string): OciReference {
  const reference = readReference(text);
  if (reference.tag !== undefined || reference.digest !== undefined) return reference;
  throw new CliError(`error: ${text}: a pull needs a tag or a digest`);
}
