// Command line of the control plane for development:
//   node test/control-plane/cli.ts up       starts one and keeps it until Ctrl-C
//   node test/control-plane/cli.ts build    only makes the programs; --from go|download says how
import { once } from 'node:events';
import { Command, Option } from 'commander';
import { type BinarySource, ensureBinaries, startControlPlane, VERSIONS } from './index.ts';

const interruption = new AbortController();
const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]).then(() => {
  interruption.abort(new Error('interrupted'));
});

const program = new Command('control-plane').description(
  `A real Kubernetes ${VERSIONS.kubernetes} control plane on this machine, without containers`,
);

program
  .command('up')
  .description('start a control plane and keep it until Ctrl-C')
  .option('--audit', 'write an audit log')
  .action(async (options: { readonly audit?: boolean }) => {
    const binaries = await ensureBinaries({ signal: interruption.signal });
    print('starting …');
    const start = performance.now();
    const cluster = await startControlPlane({ audit: options.audit === true, binaries }, interruption.signal);
    print(
      `ready after ${((performance.now() - start) / 1000).toFixed(1)} s at ${cluster.url}`,
      '',
      `  export KUBECONFIG=${cluster.kubeconfigPath}`,
      `  ${cluster.kubectlPath} get nodes`,
      `  ${cluster.kubectlPath} create deployment web --image=web --replicas=3`,
      `  ${cluster.kubectlPath} get pods --watch`,
      '',
      `logs: ${cluster.logDirectory}`,
      'Pods are played by kwok: they run nothing. All of it goes with Ctrl-C.',
    );
    await interrupted;
    print('stopping …');
    await cluster.stop();
  });

program
  .command('build')
  .description('make the programs, so that later starts find them')
  .addOption(new Option('--from <source>', 'how').choices(['auto', 'go', 'download']).default('auto'))
  .action(async (options: { readonly from: BinarySource }) => {
    const binaries = await ensureBinaries({ source: options.from, signal: interruption.signal });
    print(`programs are in ${binaries.directory}`);
  });

try {
  await program.parseAsync();
} catch (error) {
  print(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

function print(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
