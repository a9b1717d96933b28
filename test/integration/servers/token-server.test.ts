import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createTestAuthority,
  needs,
  runOrasTool,
  runSkopeo,
  startRegistry,
  startTokenServer,
  type TokenUser,
} from '../../servers/index.ts';

const publisher: TokenUser = {
  username: 'publisher',
  password: 'first',
  grants: { 'team/*': ['pull', 'push'], 'open/app': ['pull', 'push'] },
};
const reader: TokenUser = { username: 'reader', password: 'second', grants: { 'team/app': ['pull'] } };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'token-test-'));
  await writeFile(join(folder, 'app.cue'), 'package app\n');
});

afterEach(() => rm(folder, { recursive: true }));

test('a token lets its owner do what was granted, for as long as the credentials are good', async () => {
  await using tokens = await startTokenServer({
    users: [publisher, reader],
    publicRepositories: ['open/*'],
  });
  await using registry = await startRegistry({ auth: tokens.issuer });
  const as = (user: TokenUser | undefined): string[] => [
    '--plain-http',
    '--directory',
    folder,
    ...(user === undefined ? [] : ['--user', user.username, '--password', user.password]),
  ];
  const push = async (repository: string, user?: TokenUser): Promise<number | null> =>
    (await runOrasTool(['push', ...as(user), `${registry.host}/${repository}:v1`, 'app.cue'])).exitCode;
  const pull = async (repository: string, user?: TokenUser): Promise<number | null> =>
    (await runOrasTool(['pull', ...as(user), `${registry.host}/${repository}:v1`])).exitCode;

  expect(await push('team/app', publisher)).toBe(0);
  expect(await push('open/app', publisher)).toBe(0);
  expect(await push('other/app', publisher)).toBe(1);
  expect(await push('team/app', reader)).toBe(1);
  expect(await pull('team/app', reader)).toBe(0);
  expect(await pull('team/app')).toBe(1);
  expect(await pull('team/app', { ...reader, password: 'wrong' })).toBe(1);
  tokens.forget();
  expect(await pull('open/app')).toBe(0);
  expect(tokens.requests()).toEqual([
    expect.objectContaining({ username: undefined, scopes: ['repository:open/app:pull'], status: 200 }),
  ]);
  tokens.setUsers([]);
  expect(await pull('team/app', reader)).toBe(1);
  expect(tokens.requests().at(-1)).toMatchObject({ username: 'reader', status: 401 });
});

const needed = needs('skopeo');

describe.skipIf(needed.isMissing)(`skopeo${needed.note}`, () => {
  test('inspects over TLS with a token, and copies to a folder', async () => {
    const authority = createTestAuthority();
    await using tokens = await startTokenServer({ tls: authority, users: [publisher, reader] });
    await using registry = await startRegistry({ tls: authority, auth: tokens.issuer });
    const reference = `${registry.host}/team/app:v1`;
    const login = ['--user', 'publisher', '--password', 'first'];
    const files = ['--directory', folder, '--ca-file', registry.caFile ?? '', ...login];
    expect(await runOrasTool(['push', ...files, reference, 'app.cue:text/x-cue'])).toMatchObject({
      exitCode: 0,
    });
    tokens.forget();

    const certificates = join(folder, 'certificates');
    await mkdir(certificates);
    await writeFile(join(certificates, 'ca.crt'), authority.caPem);
    const inspect = await runSkopeo(
      ['inspect', '--raw', '--cert-dir', certificates, '--creds', 'reader:second', `docker://${reference}`],
      { env: { HOME: folder } },
    );
    expect(inspect).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(inspect.stdout)).toMatchObject({ layers: [{ mediaType: 'text/x-cue' }] });
    expect(tokens.requests()).toContainEqual(
      expect.objectContaining({ username: 'reader', scopes: ['repository:team/app:pull'], status: 200 }),
    );

    const target = join(folder, 'copy');
    const copy = await runSkopeo(
      [
        '--insecure-policy',
        'copy',
        '--src-cert-dir',
        certificates,
        '--src-creds',
        'reader:second',
        `docker://${reference}`,
        `dir:${target}`,
      ],
      { env: { HOME: folder } },
    );
    expect(copy).toMatchObject({ exitCode: 0 });
    expect(await readFile(join(target, 'manifest.json'), 'utf8')).toBe(inspect.stdout);
  });
});
