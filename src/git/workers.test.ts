import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { GitWorkers } from './workers.ts';

const open: GitWorkers[] = [];
afterEach(async () => {
  for (const workers of open.splice(0)) await workers.close();
});
const workersOf = (count: number): GitWorkers => {
  const workers = new GitWorkers(count);
  open.push(workers);
  return workers;
};

const WAIT = (): AbortSignal => AbortSignal.timeout(20_000);
const privateKey = generateKeyPairSync('ed25519')
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();
const easy = { type: 'key', privateKey } as const;
/** An OpenSSH key that says itself that it takes four billion rounds to open. */
const endless = { type: 'key', privateKey: endlessKey(), passphrase: 'x' } as const;

function endlessKey(): string {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const field = (bytes: Buffer | string): Buffer =>
    Buffer.concat([number(Buffer.byteLength(bytes)), Buffer.from(bytes)]);
  const kind = Buffer.concat([field('ssh-ed25519'), field(Buffer.alloc(32, 1))]);
  const rounds = Buffer.concat([field(Buffer.alloc(16)), number(0xffffffff)]);
  const whole = [
    Buffer.from('openssh-key-v1\0'),
    field('aes256-ctr'),
    field('bcrypt'),
    field(rounds),
    number(1),
    field(kind),
    field(Buffer.alloc(160)),
  ];
  const text = Buffer.concat(whole)
    .toString('base64')
    .replace(/(.{70})/g, '$1\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${text}\n-----END OPENSSH PRIVATE KEY-----`;
}

describe('threads', () => {
  it('answer, and answer again', async () => {
    const workers = workersOf(1);
    for (let at = 0; at < 3; at++) {
      expect(await workers.ask(easy, { timeoutMs: 20_000 }, WAIT())).toHaveProperty('privateKey');
    }
  });

  it('are ended when their time is over, and the next one answers', async () => {
    const workers = workersOf(1);
    const late = workers.ask(endless, { timeoutMs: 300 }, WAIT());
    const next = workers.ask(easy, { timeoutMs: 20_000 }, WAIT());
    await expect(late).rejects.toMatchObject({ code: 'SOURCE_TOO_LARGE' });
    expect(await next).toHaveProperty('privateKey');
  });

  it('are ended with the signal, at work and in the queue', async () => {
    const workers = workersOf(1);
    const controllers = [new AbortController(), new AbortController()];
    const calls = controllers.map(({ signal }) => workers.ask(endless, { timeoutMs: 20_000 }, signal));
    const last = workers.ask(easy, { timeoutMs: 20_000 }, WAIT());
    const settled = Promise.allSettled(calls);
    for (const controller of controllers.toReversed()) controller.abort(new Error('given up'));
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await last).toHaveProperty('privateKey');
  });

  it('leave nobody waiting when they are closed', async () => {
    const workers = workersOf(1);
    const calls = [endless, easy].map((question) => workers.ask(question, { timeoutMs: 20_000 }, WAIT()));
    const settled = Promise.allSettled(calls);
    await workers.close();
    expect(await settled).toMatchObject([
      { reason: { code: 'SOURCE_UNAVAILABLE' } },
      { reason: { code: 'SOURCE_UNAVAILABLE' } },
    ]);
    await expect(workers.ask(easy, { timeoutMs: 1_000 }, WAIT())).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
    });
  });
});
