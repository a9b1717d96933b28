// Flags about where modules come from.
import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_CACHE_MAX_BYTES, DEFAULT_CACHE_TTL_MS } from '../cache/index.ts';
import type { EgressProxy } from '../egress/index.ts';
import { messageOf } from '../errors.ts';
import type { TrustedRealm } from '../registry/index.ts';
import { TrustedRoot } from '../signatures/index.ts';
import { CENTRAL_REGISTRY, CueRegistries } from '../source/index.ts';
import { CliError, EXIT_CODES } from './exit-code.ts';
import {
  bytesFlag,
  durationFlag,
  egressFlag,
  proxyFlag,
  registryHostFlag,
  registryRealmFlag,
} from './flags.ts';

const MEBIBYTE = 2 ** 20;
const MINUTE_MS = 60_000;
const YEAR_MS = 365 * 24 * 60 * MINUTE_MS;

export interface SourceFlags {
  readonly cacheDir?: string;
  readonly cacheMaxBytes: number;
  readonly cacheTtl: number;
  readonly sourceHosts: readonly string[];
  readonly plainHttpHost: readonly string[];
  readonly registryRealm: readonly TrustedRealm[];
  readonly sourceProxy?: EgressProxy;
  readonly sourceNoProxy: readonly string[];
  readonly cueRegistry: CueRegistries;
  /** A file. */
  readonly sigstoreTrustedRoot?: string;
}

export function addSourceFlags(command: Command): Command {
  const options = [
    new Option(
      '--cache-dir <folder>',
      'where fetched modules are kept over a restart; only the operator may write to it',
    ),
    new Option('--cache-max-bytes <bytes>', 'most bytes in that folder')
      .argParser(bytesFlag(MEBIBYTE, 1024 * 1024 * MEBIBYTE))
      .default(DEFAULT_CACHE_MAX_BYTES, '512Mi'),
    new Option('--cache-ttl <duration>', 'how long a module is kept there that nobody uses')
      .argParser(durationFlag(MINUTE_MS, YEAR_MS))
      .default(DEFAULT_CACHE_TTL_MS, '168h'),
    new Option(
      '--source-hosts <host or CIDR>',
      'the only hosts that modules come from; *.domain for all in it; repeatable',
    )
      .argParser(egressFlag)
      .default([], 'all that --egress-allow lets through'),
    new Option(
      '--plain-http-host <host[:port]>',
      'registry or git server that is asked without TLS; repeatable',
    )
      .argParser(registryHostFlag)
      .default([], 'none'),
    new Option(
      '--registry-realm <registry=host>',
      'token server on another host than its registry, which gets its credentials; repeatable',
    )
      .argParser(registryRealmFlag)
      .default([], 'those of Docker Hub and GitLab'),
    new Option('--source-proxy <URL>', 'HTTP proxy between the operator and all sources')
      .argParser(proxyFlag)
      .env('PEQUOD_SOURCE_PROXY'),
    new Option('--source-no-proxy <host or CIDR>', 'sources that are asked directly; repeatable')
      .argParser(egressFlag)
      .default([], 'none'),
    new Option('--cue-registry <registries>', 'where imported CUE modules are, as in CUE_REGISTRY')
      .argParser(cueRegistryFlag)
      .default(new CueRegistries(), CENTRAL_REGISTRY),
    new Option(
      '--sigstore-trusted-root <file>',
      'whom to trust about signatures without a key; without it only keys are verified',
    ),
  ];
  for (const option of options) command.addOption(option);
  return command;
}

/** @throws CliError where the file can't be read or is no trusted root */
export async function readTrustedRoot(file: string | undefined): Promise<TrustedRoot | undefined> {
  if (file === undefined) return undefined;
  try {
    return new TrustedRoot(await readFile(file, 'utf8'));
  } catch (error) {
    throw new CliError(`--sigstore-trusted-root ${file}: ${messageOf(error)}`, EXIT_CODES.usage, error);
  }
}

function cueRegistryFlag(text: string): CueRegistries {
  try {
    return new CueRegistries(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}
