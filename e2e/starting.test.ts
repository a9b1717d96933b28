// An operator that is started before its cluster is there for it: it waits, says for what, and goes on by itself. On a
// cluster of its own, since the server goes away and the rights do.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type ControlPlane, OPERATOR_IDENTITY, startControlPlane } from '../test/control-plane/index.ts';
import { until } from './support/index.ts';

/** A process that starts from source on a busy machine takes its time. */
const START_MS = 150_000;
const PROGRAM = join(import.meta.dirname, '../src/cli/pequod.ts');
const TRANSFORM = {
  apiVersion: 'platform.pequod.io/v1alpha1',
  kind: 'Transform',
  metadata: { name: 'shop', namespace: 'default' },
  spec: {
    serviceAccountName: 'default',
    cueRef: {
      type: 'inline',
      ref: 'package x\ngraph: nodes: a: object: {apiVersion: "v1", kind: "ConfigMap", metadata: name: "shop"}\n',
    },
  },
};
let controlPlane: ControlPlane;
let kubeconfig = '';
let folder = '';

beforeAll(async () => {
  controlPlane = await startControlPlane({ components: ['controller-manager'] });
  folder = await mkdtemp(join(tmpdir(), 'pequod-starting-'));
  const { kubectl } = controlPlane;
  await kubectl(['apply', '--server-side', '-f', 'deploy/']);
  await kubectl(['create', 'rolebinding', 'edit', '--clusterrole=edit', '--serviceaccount=default:default']);
  kubeconfig = await controlPlane.kubeconfigFor(OPERATOR_IDENTITY);
  await kubectl(['delete', 'clusterrolebinding', ...(await bindings())]);
});

afterAll(async () => {
  await controlPlane?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What gives the operator its rights. */
async function bindings(): Promise<readonly string[]> {
  const documents = parseAllDocuments(await readFile('deploy/rbac.yaml', 'utf8'));
  return documents
    .map((document): unknown => document.toJSON())
    .filter((it): it is { kind: string; metadata: { name: string } } => isBinding(it))
    .map(({ metadata }) => metadata.name);
}

function isBinding(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'ClusterRoleBinding'
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Started {
  readonly process: ChildProcess;
  readonly exitCode: Promise<number | null>;
  log(): string;
  /** Status and text of a page of health; status 0 where nobody listens. */
  ask(path: string): Promise<{ readonly status: number; readonly text: string }>;
}

async function startOperator(...flags: readonly string[]): Promise<Started> {
  const port = await freePort();
  const args = ['controller', '--kubeconfig', kubeconfig, '--health-address', `127.0.0.1:${port}`, ...flags];
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let written = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      written += text;
    });
  }
  return {
    process: child,
    exitCode: new Promise((resolve) => child.once('exit', resolve)),
    log: () => written,
    ask: async (path) => {
      try {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`);
        return { status: answer.status, text: await answer.text() };
      } catch {
        return { status: 0, text: '' };
      }
    },
  };
}

test('it waits for the server, then for its rights, then for its kinds, and then works', {
  timeout: 600_000,
}, async () => {
  await controlPlane.stopApiServer('at-once');
  const cache = join(folder, 'cache');
  const operator = await startOperator('--cache-dir', cache);
  const untilReadyz = async (what: string, pattern: RegExp): Promise<void> => {
    const { text } = await until(
      `readyz says ${what}`,
      () => operator.ask('/readyz'),
      (answer) => pattern.test(answer.text),
      START_MS,
    );
    expect(text).toContain('readyz check failed');
    expect(await operator.ask('/healthz')).toEqual({ status: 200, text: 'ok' });
  };

  await untilReadyz('that the server is away', /^\[-\]api server answers failed: away for .*ECONNREFUSED/m);
  await controlPlane.startApiServer();
  await untilReadyz('that rights are missing', /^\[-\]watch of namespaces failed: Forbidden: .*cannot/m);
  await controlPlane.kubectl(['apply', '--server-side', '-f', 'deploy/']);
  await untilReadyz('that kinds are missing', /^\[-\]watch of transforms failed: NotServed: /m);
  await controlPlane.kubectl(['apply', '--server-side', '-f', 'crds/']);
  await until(
    'all is well',
    () => operator.ask('/readyz'),
    ({ status }) => status === 200,
  );
  const { text } = await operator.ask('/readyz?verbose');
  expect(text).toContain('[+]transform-controller ok\n');
  expect(text).toContain('[+]evaluator workers ok\n');
  expect(text).toContain('[+]cache folder ok\n');
  expect(await operator.ask('/livez?verbose')).toEqual({
    status: 200,
    text: '[+]event loop ok\n[+]resourcegraph ok\n[+]transform-controller ok\n[+]evaluator ok\nlivez check passed\n',
  });
  await controlPlane.kubectl(['apply', '-f', '-'], JSON.stringify(TRANSFORM));
  await controlPlane.kubectl([
    'wait',
    '--for=condition=Ready',
    '--timeout=60s',
    'transform/shop',
    '-n',
    'default',
  ]);

  await rm(cache, { recursive: true });
  await writeFile(cache, 'no folder any more');
  await until(
    'the cache folder is missed',
    () => operator.ask('/readyz'),
    (answer) => /^\[-\]cache folder failed: /m.test(answer.text),
  );
  expect((await operator.ask('/healthz')).status).toBe(200);

  const warnings = operator.log().match(/"msg":"the API server does not answer, waiting for it"/g) ?? [];
  expect(warnings).toHaveLength(1);
  operator.process.kill('SIGTERM');
  expect(await operator.exitCode).toBe(0);
  expect(operator.log()).not.toContain('"level":"fatal"');
});

test('a port that is taken ends it at once, with a message', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void taken.close());
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const operator = await startOperator('--health-address', `127.0.0.1:${port}`);
  expect(await operator.exitCode).toBe(1);
  expect(operator.log()).toContain('EADDRINUSE');
});
