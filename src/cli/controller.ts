import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { MAX_NODES } from '../api/crd/index.ts';
import { DEFAULT_MAX_NODES } from '../graph/index.ts';
import type { OperatorOptions } from '../main.ts';
import { createLogger, LOG_LEVELS, type Logger, type LogLevel } from '../observability/index.ts';
import type { ListenAddress } from '../server/index.ts';
import { EXIT_CODES } from './exit-code.ts';
import { addressFlag, bytesFlag, durationFlag, egressFlag, integerFlag, nameFlag } from './flags.ts';
import { addSharingFlags, type SharingFlags, sharingOptions } from './sharing-flags.ts';
import { addSourceFlags, readTrustedRoot, type SourceFlags } from './source-flags.ts';
import { programVersion } from './version.ts';

interface ControllerFlags extends SharingFlags, SourceFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly watchNamespace?: string;
  readonly defaultServiceAccount: string;
  readonly maxConcurrentReconciles: number;
  readonly graphConcurrency: number;
  readonly maxNodes: number;
  readonly apiConcurrency: number;
  readonly reconcileTimeout: number;
  readonly watchTimeout: number;
  readonly identityGoneGrace: number;
  readonly renderWorkers: number;
  readonly renderDeadline: number;
  readonly renderMemory: number;
  readonly egressAllow: readonly string[];
  readonly metricsAddress?: ListenAddress;
  readonly healthAddress?: ListenAddress;
  readonly logLevel: LogLevel;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const MEBIBYTE = 2 ** 20;

/** Flags with a value, in the order of the help: name, help, reader, default as a user would write it. */
const FLAGS: readonly (readonly [string, string, (text: string) => string | number, string])[] = [
  ['--default-service-account <name>', 'ServiceAccount of Transforms that name none', nameFlag, 'default'],
  [
    '--max-concurrent-reconciles <n>',
    'Transforms, and graphs, reconciled at a time',
    integerFlag(1, 1000),
    '10',
  ],
  ['--graph-concurrency <n>', 'objects in flight per graph', integerFlag(1, 1000), '10'],
  ['--max-nodes <n>', 'most nodes of a graph', integerFlag(1, MAX_NODES), String(DEFAULT_MAX_NODES)],
  ['--api-concurrency <n>', 'requests in flight to the API server', integerFlag(1, 1000), '64'],
  ['--reconcile-timeout <duration>', 'longest pass over one object', durationFlag(SECOND_MS, HOUR_MS), '5m'],
  [
    '--watch-timeout <duration>',
    'shortest life that is asked of a watch; up to a fifth is added at random',
    durationFlag(10 * SECOND_MS, HOUR_MS),
    '4m',
  ],
  [
    '--identity-gone-grace <duration>',
    'how long a deletion waits for rights that a ServiceAccount has lost',
    durationFlag(0, 24 * HOUR_MS),
    '10m',
  ],
  ['--render-workers <n>', 'modules evaluated at a time', integerFlag(1, 64), '2'],
  ['--render-deadline <duration>', 'longest evaluation', durationFlag(100, 10 * MINUTE_MS), '10s'],
  [
    '--render-memory <bytes>',
    'most memory of an evaluation',
    bytesFlag(32 * MEBIBYTE, 4096 * MEBIBYTE),
    '256Mi',
  ],
];

export function controllerCommand(): Command {
  const command = new Command('controller')
    .option(
      '--kubeconfig <file>',
      'kubeconfig; in a pod its own ServiceAccount, else $KUBECONFIG or ~/.kube/config',
    )
    .option('--context <name>', 'context of the kubeconfig')
    .addOption(
      new Option(
        '--watch-namespace <name>',
        'the only namespace whose Transforms are looked after; all without it',
      ).argParser(nameFlag),
    );
  for (const [name, help, read, byDefault] of FLAGS) {
    command.addOption(new Option(name, help).argParser(read).default(read(byDefault), byDefault));
  }
  return addSharingFlags(addSourceFlags(command))
    .addOption(
      new Option(
        '--egress-allow <host or CIDR>',
        'what probes and sources may call besides public addresses; repeatable',
      )
        .argParser(egressFlag)
        .default([], 'nothing'),
    )
    .addOption(
      new Option(
        '--metrics-address <host:port>',
        'where metrics are served, e.g. :8080; nowhere without it',
      ).argParser(addressFlag),
    )
    .addOption(
      new Option(
        '--health-address <host:port>',
        'where /healthz and /readyz are served, e.g. :8081; nowhere without it',
      ).argParser(addressFlag),
    )
    .addOption(
      new Option('--log-level <level>', 'least severe messages to log').choices(LOG_LEVELS).default('info'),
    )
    .action(runController);
}

async function runController(flags: ControllerFlags): Promise<void> {
  const log = createLogger(flags.logLevel);
  process.on('unhandledRejection', (reason) => exitNow(log, 'unhandled rejection', reason));
  process.on('uncaughtException', (error) => exitNow(log, 'uncaught exception', error));
  const stop = abortOnSignal(log);
  // Loaded here, so that the other commands start without it.
  const { runOperator } = await import('../main.ts');
  const options: OperatorOptions = {
    version: await programVersion(),
    cueDirectory: fileURLToPath(new URL('../../cue', import.meta.url)),
    env: process.env,
    kubeconfig: flags.kubeconfig,
    context: flags.context,
    watchNamespace: flags.watchNamespace,
    defaultServiceAccount: flags.defaultServiceAccount,
    maxConcurrentReconciles: flags.maxConcurrentReconciles,
    graphConcurrency: flags.graphConcurrency,
    maxNodes: flags.maxNodes,
    apiConcurrency: flags.apiConcurrency,
    reconcileTimeoutMs: flags.reconcileTimeout,
    watchTimeoutMs: flags.watchTimeout,
    identityGoneGraceMs: flags.identityGoneGrace,
    renderWorkers: flags.renderWorkers,
    renderDeadlineMs: flags.renderDeadline,
    renderMemoryBytes: flags.renderMemory,
    egressAllow: flags.egressAllow,
    places: await placesOf(flags),
    sharing: sharingOptions(flags, (error) => exitNow(log, 'another replica may be at work', error)),
    metricsAddress: flags.metricsAddress,
    healthAddress: flags.healthAddress,
    log,
  };
  try {
    await runOperator(options, stop);
  } catch (error) {
    if (!stop.aborted) throw error;
    log.warn({ err: error }, 'was asked to stop before everything had started');
  }
  // Everything has stopped; only a connection that is still being tried would hold the process until it times out.
  if (stop.aborted) process.exit(EXIT_CODES.success);
}

async function placesOf(flags: SourceFlags): Promise<OperatorOptions['places']> {
  return {
    cacheFolder: flags.cacheDir,
    cacheMaxBytes: flags.cacheMaxBytes,
    cacheTtlMs: flags.cacheTtl,
    hosts: flags.sourceHosts,
    plainHttpHosts: flags.plainHttpHost,
    trustedRealms: flags.registryRealm,
    proxy: flags.sourceProxy,
    noProxy: flags.sourceNoProxy,
    cueRegistries: flags.cueRegistry,
    trustedRoot: await readTrustedRoot(flags.sigstoreTrustedRoot),
  };
}

/** Aborts on the first SIGINT or SIGTERM; on the second the process ends at once. */
function abortOnSignal(log: Logger): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + constants.signals[name]);
      log.info({ signal: name }, 'asked to stop; once more ends the program at once');
      controller.abort(new Error(`received ${name}`));
    });
  }
  return controller.signal;
}

function exitNow(log: Logger, what: string, error: unknown): never {
  log.fatal({ err: error }, what);
  process.exit(EXIT_CODES.failure);
}
