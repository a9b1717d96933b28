// How the operator's process ends. The server here accepts connections and never answers, so that the program is in the
// middle of its start when it is told to stop.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';

const PROGRAM = join(import.meta.dirname, '../../../src/cli/pequod.ts');
const sockets = new Set<Socket>();
let server: Server;
let folder = '';
let kubeconfig = '';

beforeAll(async () => {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  folder = await mkdtemp(join(tmpdir(), 'pequod-controller-'));
  kubeconfig = join(folder, 'kubeconfig.yaml');
  const name = 'silent';
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server: `https://127.0.0.1:${address.port}` } }],
    users: [{ name, user: { token: 'none' } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  };
  await writeFile(kubeconfig, stringify(content));
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Controller {
  readonly process: ChildProcess;
  readonly exitCode: Promise<number | null>;
  /** All of standard error. */
  readonly errors: Promise<string>;
}

function controller(...flags: readonly string[]): Controller {
  const child = spawn(process.execPath, [PROGRAM, 'controller', ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exitCode = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { process: child, exitCode, errors: text(child.stderr) };
}

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it in order, with 0', async (signal) => {
  const connected = once(server, 'connection');
  const child = controller('--kubeconfig', kubeconfig);
  await connected;
  child.process.kill(signal);
  expect(await child.exitCode).toBe(0);
});

test('a second signal on the heels of the first ends it too', async () => {
  const connected = once(server, 'connection');
  const child = controller('--kubeconfig', kubeconfig);
  await connected;
  child.process.kill('SIGINT');
  child.process.kill('SIGTERM');
  // 0 where the first had already ended it.
  expect([0, 128 + 2, 128 + 15]).toContain(await child.exitCode);
});

// No input is known that makes the program fail in a way that nothing handles, so a module that is loaded before it does.
test.each([
  ['an unhandled rejection', 'Promise.reject(new Error("a bug"))', 'unhandled rejection'],
  ['an uncaught exception', 'throw new Error("a bug")', 'uncaught exception'],
])('%s ends it loudly, with 1', async (_what, bug, message) => {
  const connected = once(server, 'connection');
  const module = `process.once('SIGUSR2', () => setImmediate(() => { ${bug} }))`;
  const preload = `data:text/javascript,${encodeURIComponent(module)}`;
  const child = spawn(
    process.execPath,
    ['--import', preload, PROGRAM, 'controller', '--kubeconfig', kubeconfig],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const exitCode = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const written = Promise.all([text(child.stdout), text(child.stderr)]);
  await connected;
  child.kill('SIGUSR2');
  expect(await exitCode).toBe(1);
  const lines = (await written).join('').split('\n');
  const fatal = lines.find((line) => line.includes('"level":"fatal"'));
  expect(fatal).toContain(message);
  expect(fatal).toContain('a bug');
});

test('without a usable kubeconfig it says so and ends with 1', async () => {
  const child = controller('--kubeconfig', join(folder, 'missing.yaml'));
  expect(await child.exitCode).toBe(1);
  expect(await child.errors).toMatch(/^error: .*missing\.yaml.*\(CLUSTER_CONFIG\)\n$/);
});

test.each([
  ['--graph-concurrency', '0', 'a whole number from 1 to 1000'],
  ['--reconcile-timeout', 'soon', 'not a duration: "soon"'],
  ['--render-memory', '1Mi', 'e.g. 256Mi'],
  ['--default-service-account', 'No Name', 'the name of an object'],
  ['--log-level', 'loud', 'Allowed choices are'],
])('%s %s is refused with 2', async (flag, value, message) => {
  const child = controller('--kubeconfig', kubeconfig, flag, value);
  expect(await child.exitCode).toBe(2);
  expect(await child.errors).toContain(flag);
  expect(await child.errors).toContain(message);
});

test.each([
  [['--shards', '4'], 'error: --shards needs --leader-elect'],
  [['--leader-elect', '--shards', '65'], 'a whole number from 1 to 64'],
  [['--leader-elect', '--leader-elect-lease-duration', '10s'], 'the renew deadline must be shorter'],
  [['--leader-elect', '--leader-elect-retry-period', '6s'], 'at most half of the renew deadline'],
  [['--leader-elect', '--leader-elect-lease-duration', '15500ms'], 'must be whole seconds'],
])('%s is refused with 2, and a reason', async (flags, message) => {
  const child = controller('--kubeconfig', kubeconfig, ...flags);
  expect(await child.exitCode).toBe(2);
  expect(await child.errors).toContain(message);
});
