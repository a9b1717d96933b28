// Flags about sharing the work with other replicas, by the names that other controllers have for them.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Command, Option } from 'commander';
import { DEFAULT_LEASE_TIMINGS, timingsProblem } from '../leases/index.ts';
import type { SharingOptions } from '../operator-leases.ts';
import { CliError } from './exit-code.ts';
import { durationFlag, integerFlag, nameFlag } from './flags.ts';

export interface SharingFlags {
  readonly leaderElect: boolean;
  readonly shards: number;
  readonly leaderElectLeaseDuration: number;
  readonly leaderElectRenewDeadline: number;
  readonly leaderElectRetryPeriod: number;
  readonly leaderElectResourceNamespace?: string;
  readonly leaderElectIdentity?: string;
}

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
/** Each costs its Lease a renewal every retry period. */
const MAX_SHARDS = 64;

export function addSharingFlags(command: Command): Command {
  const { durationMs, renewDeadlineMs, retryPeriodMs } = DEFAULT_LEASE_TIMINGS;
  const time = (flag: string, help: string, leastMs: number, byDefaultMs: number): Option =>
    new Option(`--leader-elect-${flag} <duration>`, help)
      .argParser(durationFlag(leastMs, HOUR_MS))
      .default(byDefaultMs, `${byDefaultMs / SECOND_MS}s`);
  const options = [
    new Option('--leader-elect', 'work only while holding a Lease, so that several replicas can run').default(
      false,
    ),
    new Option(
      '--shards <n>',
      'parts that replicas share the Transforms in, the same for all of them; needs --leader-elect',
    )
      .argParser(integerFlag(1, MAX_SHARDS))
      .default(1, '1'),
    time('lease-duration', 'how long others wait for a holder that is silent', SECOND_MS, durationMs),
    time(
      'renew-deadline',
      'how long a holder works on without a renewal; less than that',
      100,
      renewDeadlineMs,
    ),
    time('retry-period', 'between two renewals, and two tries', 50, retryPeriodMs),
    new Option(
      '--leader-elect-resource-namespace <name>',
      "where the Leases are; without it the pod's own namespace, or the kubeconfig context's",
    ).argParser(nameFlag),
    new Option(
      '--leader-elect-identity <name>',
      'beginning of the name by which this process holds Leases; without it the host name',
    ).argParser(nameFlag),
  ];
  for (const option of options) command.addOption(option);
  return command;
}

/** @throws CliError for times that don't fit together */
export function sharingOptions(
  flags: SharingFlags,
  onLost: SharingOptions['onLost'],
): SharingOptions | undefined {
  const timings = {
    durationMs: flags.leaderElectLeaseDuration,
    renewDeadlineMs: flags.leaderElectRenewDeadline,
    retryPeriodMs: flags.leaderElectRetryPeriod,
  };
  const problem = timingsProblem(timings);
  if (problem !== undefined) throw new CliError(`error: --leader-elect: ${problem}`);
  if (!flags.leaderElect) {
    if (flags.shards > 1) throw new CliError('error: --shards needs --leader-elect');
    return undefined;
  }
  return {
    namespace: flags.leaderElectResourceNamespace,
    shards: flags.shards,
    // A process that starts again under the same name must not take the Lease of its former life for its own.
    identity: `${flags.leaderElectIdentity ?? hostname()}_${randomUUID()}`,
    timings,
    onLost,
  };
}
