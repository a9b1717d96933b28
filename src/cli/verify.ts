import { Command, Option } from 'commander';
import { formatOciReference, type OciReference } from '../registry/index.ts';
import { CliError } from './exit-code.ts';
import { interruptible } from './interrupt.ts';
import {
  type RegistryFlags,
  RegistrySession,
  readReference,
  withRegistryOptions,
} from './registry-access.ts';
import { type Terminal, write } from './terminal.ts';
import {
  readVerification,
  type VerificationFlags,
  verifiedDigest,
  withVerificationOptions,
} from './verification-flags.ts';

interface VerifyFlags extends RegistryFlags, VerificationFlags {
  readonly output: 'text' | 'json';
}

export function verifyCommand(terminal: Terminal, signal: AbortSignal): Command {
  const command = new Command('verify')
    .argument('<reference>', 'oci://registry/repository:tag, or @sha256:… in place of the tag')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text'))
    .action((reference: string, flags: VerifyFlags) =>
      interruptible(signal, (stop) => verify(readReference(reference), flags, terminal, stop)),
    );
  return withRegistryOptions(withVerificationOptions(command));
}

async function verify(
  reference: OciReference,
  flags: VerifyFlags,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const asked = await readVerification(flags);
  if (asked === undefined) throw new CliError('error: say who must have signed it, e.g. with --verify-key');
  await using session = await RegistrySession.open(reference, flags, terminal.stdin);
  const access = session.accessTo(reference);
  const { digest, signer } = await verifiedDigest(session.registry, reference, access, asked, signal).catch(
    (error: unknown) => {
      throw session.explained(error);
    },
  );
  const named = formatOciReference({ ...reference, digest });
  const said =
    flags.output === 'json'
      ? JSON.stringify({ reference: named, digest, signer }, null, 2)
      : `${named}\nsigned by ${signer}`;
  await write(terminal.stdout, `${said}\n`);
}
