import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readSigningKey } from '../signatures/index.ts';
import { EXIT_CODES } from './exit-code.ts';
import { runProgram } from './program.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pequod-key-'));
  vi.stubEnv('COSIGN_PASSWORD', '');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function generate(
  args: readonly string[] = [],
  stdin = '',
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const terminal = { stdin: Readable.from([stdin]), stdout, stderr };
  const words = ['generate-key', '--output-prefix', join(folder, 'team'), ...args];
  const exitCode = await runProgram(words, terminal, new AbortController().signal);
  stdout.end();
  stderr.end();
  return { exitCode, stdout: await text(stdout), stderr: await text(stderr) };
}

test('a pair of files, the private one for its owner alone', async () => {
  const { exitCode, stdout } = await generate();
  expect(exitCode).toBe(EXIT_CODES.success);
  expect(stdout).toBe(`${join(folder, 'team.key')} (not encrypted)\n${join(folder, 'team.pub')}\n`);
  const key = readSigningKey(await readFile(join(folder, 'team.key'), 'utf8'));
  expect(await readFile(join(folder, 'team.pub'), 'utf8')).toBe(key.publicPem);
  expect((await stat(join(folder, 'team.key'))).mode & 0o777).toBe(0o600);
});

test.each([
  ['on standard input', ['--passphrase-stdin'], 'open sesame\n', ''],
  ['where cosign has it', [], '', 'open sesame'],
])('a passphrase %s encrypts it', async (_where, args, stdin, variable) => {
  vi.stubEnv('COSIGN_PASSWORD', variable);
  const { exitCode, stdout } = await generate(args, stdin);
  expect(exitCode).toBe(EXIT_CODES.success);
  expect(stdout).toContain('(encrypted)');
  const pem = await readFile(join(folder, 'team.key'), 'utf8');
  expect(pem).toContain('BEGIN ENCRYPTED PRIVATE KEY');
  expect(() => readSigningKey(pem, 'open sesame')).not.toThrow();
});

test.each(['team.key', 'team.pub'])(
  '%s is not overwritten, and nothing is left half done',
  async (existing) => {
    await writeFile(join(folder, existing), 'mine');
    const { exitCode, stderr } = await generate();
    expect(exitCode).toBe(EXIT_CODES.usage);
    expect(stderr).toContain(`${join(folder, existing)}: EEXIST`);
    expect(await readFile(join(folder, existing), 'utf8')).toBe('mine');
    const other = existing === 'team.key' ? 'team.pub' : 'team.key';
    await expect(stat(join(folder, other))).rejects.toMatchObject({ code: 'ENOENT' });
  },
);
