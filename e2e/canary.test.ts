// No byte of a Secret that sources use is ever seen again, whatever becomes of it: not in an object of the cluster, not in
// the log, not in a metric, not in a file of the cache; not even where the other side says it back. What went wrong is
// said all the same.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import type { JsonObject } from '../src/json/index.ts';
import { choosePort } from '../test/control-plane/index.ts';
import {
  createTestAuthority,
  needs,
  startGitHttpServer,
  startGitSshServer,
  startScriptedServer,
} from '../test/servers/index.ts';
import { Canaries, everyFile, everyObject } from './support/canaries.ts';
import { cluster, conditionOf, type Space, story, useOperator } from './support/index.ts';
import { artifactSaying, basicHeader, moduleSaying, OwnRegistry } from './support/own-registry.ts';

const canaries = new Canaries();
const authority = createTestAuthority();
const registry = await OwnRegistry.start();
const secure = await OwnRegistry.start({ tls: authority });
const PASSWORDS = { git: canaries.make('password for git'), token: canaries.plain('token for git') };
const git = await startGitHttpServer({
  readers: { accounts: [{ username: 'me', password: PASSWORDS.git }], tokens: [PASSWORDS.token] },
});
const parrot = await startScriptedServer((request, response) => {
  const said = request.headers.authorization ?? '';
  const [, kind = ''] = request.url.split('/');
  const word = secretIn(said);
  if (said === '') response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  else if (kind === 'body') response.writeHead(403, said.replaceAll(/[^ -~]/g, '')).end(`${said} ${word}`);
  else if (kind === 'location') {
    const location = `https://${word}.invalid/x.git/info/refs?service=git-upload-pack`;
    response.writeHead(302, { location }).end();
  } else {
    const line = `ERR ${said} ${word}`;
    response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
    response.end(`${(line.length + 4).toString(16).padStart(4, '0')}${line}`);
  }
});
const proxyPassword = canaries.plain('password of the proxy');
const proxy = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.once('data', (head) => {
    const text = head.toString('latin1');
    const [, said = ''] = /Proxy-Authorization: (.*)\r\n/.exec(text) ?? [];
    if (text.startsWith('CONNECT good.invalid:')) {
      const onward = connect(registry.server.port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(onward).pipe(socket);
      });
      onward.on('error', () => undefined);
    } else socket.end(`HTTP/1.1 407 ${said}\r\nX-Said: ${said}\r\n\r\n${proxyPassword}`);
  });
});
proxy.listen(0, '127.0.0.1');
await once(proxy, 'listening');
const proxyAddress = proxy.address() as AddressInfo;
const metricsPort = await choosePort();
const cacheFolder = await mkdtemp(join(tmpdir(), 'pequod-canary-'));

const running = useOperator({
  flags: [
    ...['--egress-allow', '127.0.0.1', '--plain-http-host', registry.host],
    ...['--plain-http-host', git.host, '--plain-http-host', parrot.host],
    ...['--plain-http-host', 'good.invalid', '--plain-http-host', 'bad.invalid'],
    ...['--source-proxy', `http://me:${proxyPassword}@127.0.0.1:${proxyAddress.port}`],
    ...['--source-no-proxy', '127.0.0.1/32', '--cache-dir', cacheFolder],
    ...['--metrics-address', `127.0.0.1:${metricsPort}`],
  ],
});

afterAll(async () => {
  proxy.close();
  await Promise.all([registry.server.stop(), secure.server.stop(), git.stop(), parrot.stop()]);
  await rm(cacheFolder, { recursive: true });
});

/** What somebody has set up, and what becomes of it: nothing but `Ready`, or a reason and words that help. */
interface Case {
  readonly name: string;
  readonly secret?: Readonly<Record<string, string>>;
  readonly hosts?: string;
  readonly cueRef: JsonObject;
  readonly fails?: readonly [reason: string, words: string | RegExp];
}

/** The password in an Authorization header, as far as it can be a part of a host. */
function secretIn(header: string): string {
  const [scheme, value = ''] = header.split(' ');
  const text = scheme === 'Basic' ? Buffer.from(value, 'base64').toString() : value;
  return text.replace(/^me:/, '') || 'nothing';
}

/** As users wrote them, in whatever story: where they hold a secret it is its writer who shows it. */
const references = new Set<string>();

async function run(space: Space, cases: readonly Case[]): Promise<void> {
  for (const { cueRef } of cases) references.add(`"ref": ${JSON.stringify(cueRef['ref'])}`);
  const outcomes = cases.map(async ({ name, secret, hosts, cueRef, fails }) => {
    const data = Object.entries(secret ?? {}).map(([key, text]) => [
      key,
      Buffer.from(text).toString('base64'),
    ]);
    if (secret !== undefined) {
      const metadata = hosts === undefined ? {} : { annotations: { 'pequod.io/hosts': hosts } };
      await space.create('Secret', name, { metadata, data: Object.fromEntries(data) });
    }
    await space.create('Transform', name, {
      spec: { serviceAccountName: 'deployer', cueRef, input: { name } },
    });
    if (fails === undefined) {
      await space.untilReady(name);
      return;
    }
    const [reason, words] = fails;
    const failing = await space.untilFailing(name, reason);
    expect(conditionOf(failing, 'Fetched')?.message, name).toMatch(words);
  });
  const rejected = (await Promise.allSettled(outcomes)).filter((outcome) => outcome.status === 'rejected');
  if (rejected.length > 0)
    throw new AggregateError(
      rejected.map(({ reason }) => reason),
      rejected.map(({ reason }) => String(reason)).join('\n\n'),
    );
  await expectNothingSeen();
}

/** Looks everywhere but into references. */
async function expectNothingSeen(): Promise<void> {
  const places = new Map(await everyObject(cluster.kubectl, (kind) => kind !== 'secrets'));
  const transforms = places.get('transforms.platform.pequod.io') ?? '';
  const rest = [...references].reduce((text, reference) => text.replaceAll(reference, ''), transforms);
  places.set('transforms.platform.pequod.io', rest);
  const answer = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
  places.set('metrics', await answer.text());
  places.set('log', running.operator.log);
  for (const [file, text] of await everyFile(cacheFolder)) places.set(`cache ${file}`, text);
  expect(places.get('metrics')).toContain('pequod_');
  expect(places.get('log')).toContain('"level":"debug"');
  expect(places.size).toBeGreaterThan(40);
  expect(canaries.seenIn(places)).toEqual([]);
}

function named(name: string, ref: string, more: JsonObject = {}): JsonObject {
  return { type: 'oci', ref, pullSecretRef: { name }, ...more };
}

function dockerConfig(entry: JsonObject, host: string = registry.host): Readonly<Record<string, string>> {
  return { '.dockerconfigjson': JSON.stringify({ auths: { [host]: entry } }) };
}

describe('what is in a Secret', () => {
  story('is looked for in a way that would find it', async ({ space }) => {
    const password = canaries.make('the one that is found');
    await space.create('Secret', 'plain', { stringData: { password } });
    await space.create('Secret', 'login', { stringData: { header: basicHeader('me', password) } });
    await space.create('ConfigMap', 'query', { data: { url: `?x=${encodeURIComponent(password)}` } });
    const seen = canaries.seenIn(await everyObject(cluster.kubectl, () => true));
    expect(seen.map(({ place }) => place.split(':')[0])).toEqual(
      expect.arrayContaining(['secrets', 'configmaps']),
    );
    await space.delete('ConfigMap', 'query');
    await space.untilGone('ConfigMap', 'query');
  });

  story('stays there, when it is for a registry', async ({ space }) => {
    const module = await artifactSaying('hello');
    const cases: Case[] = [];
    /** A repository of the case's own, with a password of its own. */
    const repository = (name: string): { readonly ref: string; readonly password: string } => {
      // What is said back in a host is lower case.
      const password = /echo|token/.test(name) ? canaries.plain(name) : canaries.make(name);
      registry.put(name, 'v1', module);
      registry.protect(name, password);
      return { ref: registry.ref(`${name}:v1`), password };
    };
    const add = (
      name: string,
      secretOf: (password: string) => Readonly<Record<string, string>>,
      fails?: Case['fails'],
      hosts?: string,
    ): void => {
      const { ref, password } = repository(name);
      cases.push({
        name,
        secret: secretOf(password),
        cueRef: named(name, ref),
        ...(fails === undefined ? {} : { fails }),
        ...(hosts === undefined ? {} : { hosts }),
      });
    };
    const both = (password: string) => ({ username: 'me', password });
    const header = (password: string) => basicHeader('me', password).slice('Basic '.length);

    add('basic', both);
    add('docker-plain', (password) => dockerConfig(both(password)));
    add('docker-auth', (password) => dockerConfig({ auth: header(password) }));
    add('bound', both, undefined, registry.host);
    add('bound-elsewhere', both, ['SourceRefused', 'pequod.io/hosts'], 'other.example');
    add('wrong', (password) => both(`${password}!`), [
      'SourceUnauthorized',
      'does not let these credentials',
    ]);
    add('wrong-host', (password) => dockerConfig(both(password), 'other.example'), [
      'SourceUnauthorized',
      'it has those for other.example',
    ]);
    add('user-in-key', (password) => dockerConfig(both('x'), `me:${password}@${registry.host}`), [
      'SourceUnauthorized',
      'has no login for',
    ]);
    add('no-json', (password) => ({ '.dockerconfigjson': `{"auths": {"a": "${password}` }), [
      'SourceInvalid',
      'is no JSON with auths',
    ]);
    add('identity-token', (password) => dockerConfig({ identitytoken: password }), [
      'SourceInvalid',
      'identity token',
    ]);
    add('two-lines', (password) => both(`${password}\n${password}`), ['SourceInvalid', 'more than one line']);
    add('no-username', (password) => ({ '.dockerconfigjson': '{}', password }), [
      'SourceUnauthorized',
      'no login',
    ]);
    add('echo-body', both, ['SourceUnauthorized', '403']);
    add('echo-status', both, ['SourceUnavailable', '500']);
    add('echo-location', both, ['SourceRefused', 'plain http']);
    add('echo-far', both, ['SourceUnavailable', /resolved|proxy/]);
    add('echo-realm', both, ['SourceRefused', '--registry-realm']);
    add('echo-type', both, ['SourceInvalid', 'echo-type']);
    add('echo-token', both, ['SourceUnauthorized', '401']);
    add('token-error', both, ['SourceUnavailable', '500']);

    registry.answerWith((request, response) => {
      const said = request.headers.authorization ?? '';
      const word = secretIn(said);
      const kind = /\/v2\/((?:echo|token)-[a-z]+)\//.exec(request.url)?.[1] ?? '';
      if (request.url.startsWith('/token')) {
        response.writeHead(request.url.includes('token-error') ? 500 : 401, word).end(`${said} ${word}`);
        return true;
      }
      if (kind === 'echo-token' || kind === 'token-error') {
        const realm = `${registry.server.url}/token`;
        response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="${word}"` }).end();
        return true;
      }
      if (said === '' || kind === '') return false;
      if (kind === 'echo-body') {
        const errors = [
          { code: word, message: said, detail: word },
          { code: 'DENIED', message: word },
        ];
        response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify({ errors }));
      } else if (kind === 'echo-status') response.writeHead(500, `${said} ${word}`).end(said);
      else if (kind === 'echo-location')
        response.writeHead(307, { location: `http://${word}.invalid/x` }).end();
      else if (kind === 'echo-far') response.writeHead(307, { location: `https://${word}.invalid/x` }).end();
      else if (kind === 'echo-realm' && request.url.includes('/blobs/')) {
        const challenge = `Bearer realm="https://${word}.invalid/token",service="${word}"`;
        response.writeHead(401, { 'www-authenticate': challenge }).end();
      } else if (kind === 'echo-type' && request.url.includes('/manifests/')) {
        const layer = { mediaType: `application/${word}`, digest: `sha256:${'0'.repeat(64)}`, size: 1 };
        const mediaType = 'application/vnd.oci.image.manifest.v1+json';
        const manifest = {
          schemaVersion: 2,
          mediaType,
          artifactType: `x/${word}`,
          config: layer,
          layers: [layer],
        };
        response.writeHead(200, { 'content-type': mediaType }).end(JSON.stringify(manifest));
      } else return false;
      return true;
    });
    try {
      await run(space, cases);
    } finally {
      registry.answerWith(undefined);
    }
  });

  story('stays there, when it is for TLS or for signatures', async ({ space }) => {
    const module = await artifactSaying('hello');
    const { certificate, key } = authority.issue();
    const ours = canaries.plant('key of the client', key);
    const garbage = canaries.make('no key of the client');
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const signing = canaries.plant(
      'key that signs',
      privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    );
    const noKey = canaries.make('no key that signs');
    registry.put('signed', 'v1', module);
    secure.put('tls', 'v1', module);
    const tls = { 'ca.crt': authority.caPem, 'tls.crt': certificate, 'tls.key': ours };
    const pem = (text: string, kind: string): string =>
      `-----BEGIN ${kind}-----\n${text}\n-----END ${kind}-----\n`;
    const over = (name: string): JsonObject => ({
      type: 'oci',
      ref: secure.ref('tls:v1'),
      certSecretRef: { name },
    });
    const verified = (name: string): JsonObject => ({
      type: 'oci',
      ref: registry.ref('signed:v1'),
      verify: { provider: 'cosign', secretRef: { name } },
    });
    await run(space, [
      { name: 'client', secret: tls, cueRef: over('client') },
      {
        name: 'swapped',
        secret: { ...tls, 'tls.crt': ours },
        cueRef: over('swapped'),
        fails: ['SourceInvalid', /tls\.crt of Secret .* holds no certificate/],
      },
      {
        name: 'no-key',
        secret: { ...tls, 'tls.key': pem(garbage, 'PRIVATE KEY') },
        cueRef: over('no-key'),
        fails: ['SourceInvalid', /tls\.key of Secret .* is no private key/],
      },
      {
        name: 'no-ca',
        secret: { 'ca.crt': pem(garbage, 'CERTIFICATE') },
        cueRef: over('no-ca'),
        fails: ['SourceInvalid', /ca\.crt of Secret .* holds/],
      },
      {
        name: 'private-pub',
        secret: { 'cosign.pub': signing },
        cueRef: verified('private-pub'),
        fails: ['SourceInvalid', 'it is a private key'],
      },
      {
        name: 'garbage-pub',
        secret: { 'cosign.pub': pem(noKey, 'PUBLIC KEY') },
        cueRef: verified('garbage-pub'),
        fails: ['SourceInvalid', "can't be read"],
      },
      {
        name: 'private-beside',
        secret: {
          'cosign.key': signing,
          'cosign.pub': publicKey.export({ type: 'spki', format: 'pem' }).toString(),
        },
        cueRef: verified('private-beside'),
        fails: ['SourceUnverified', /sign/],
      },
    ]);
  });

  story('stays there, when it is for git over https', async ({ space }) => {
    const repository = await git.createRepository('modules', { 'says.cue': moduleSaying('hello') });
    const url = git.urlOf(repository);
    const wrong = canaries.make('wrong password for git');
    const parroted = canaries.plain('password that a git server says back');
    const token = canaries.plain('token that a git server says back');
    const from = (name: string, ref: string): JsonObject => ({ type: 'git', ref, pullSecretRef: { name } });
    const back = (kind: string): string => `${parrot.url}/${kind}/x.git`;
    const login = (password: string) => ({ username: 'me', password });
    await run(space, [
      { name: 'basic', secret: login(PASSWORDS.git), cueRef: from('basic', url) },
      { name: 'token', secret: { bearerToken: PASSWORDS.token }, cueRef: from('token', url) },
      {
        name: 'wrong',
        secret: login(wrong),
        cueRef: from('wrong', url),
        fails: ['SourceUnauthorized', 'refuses the credentials'],
      },
      {
        name: 'bound',
        secret: login(PASSWORDS.git),
        hosts: 'other.example',
        cueRef: from('bound', url),
        fails: ['SourceRefused', 'pequod.io/hosts'],
      },
      ...['body', 'location', 'err'].flatMap((kind): Case[] => {
        const fails = {
          body: ['SourceUnauthorized', '403'],
          location: ['SourceUnavailable', /resolved|proxy/],
          err: ['SourceNotFound', 'refuses to be read'],
        } as const;
        const expected = fails[kind === 'body' || kind === 'location' ? kind : 'err'];
        return [
          {
            name: `${kind}-basic`,
            secret: login(parroted),
            cueRef: from(`${kind}-basic`, back(kind)),
            fails: expected,
          },
          {
            name: `${kind}-token`,
            secret: { bearerToken: token },
            cueRef: from(`${kind}-token`, back(kind)),
            fails: expected,
          },
        ];
      }),
    ]);
  });

  const needed = needs('sshd', 'ssh-keygen');
  story.skipIf(needed.isMissing)(
    `stays there, when it is for git over ssh${needed.note}`,
    async ({ space }) => {
      await using server = await startGitSshServer();
      const repository = await server.createRepository('modules', { 'says.cue': moduleSaying('hello') });
      const ref = server.urlOf(repository);
      const { ed25519, encrypted } = server.keys;
      const known_hosts = server.knownHosts.ed25519;
      const identity = canaries.plant('ssh key', ed25519.privateKey);
      const closed = canaries.plant('ssh key with a passphrase', encrypted.privateKey);
      const stranger = canaries.plant('ssh key of a stranger', server.strangersKey.privateKey);
      const passphrase = canaries.make('wrong passphrase');
      const garbage = canaries.make('no ssh key');
      const from = (name: string): JsonObject => ({ type: 'git', ref, pullSecretRef: { name } });
      const broken = identity.replace(/(?<=-----\n)/, `${garbage}\n`);
      await run(space, [
        { name: 'key', secret: { identity, known_hosts }, cueRef: from('key') },
        {
          name: 'encrypted',
          secret: { identity: closed, known_hosts, password: encrypted.passphrase ?? '' },
          cueRef: from('encrypted'),
        },
        {
          name: 'wrong-passphrase',
          secret: { identity: closed, known_hosts, password: passphrase },
          cueRef: from('wrong-passphrase'),
          fails: ['SourceUnauthorized', 'passphrase'],
        },
        {
          name: 'broken',
          secret: { identity: broken, known_hosts },
          cueRef: from('broken'),
          fails: ['SourceUnauthorized', 'private key'],
        },
        {
          name: 'stranger',
          secret: { identity: stranger, known_hosts },
          cueRef: from('stranger'),
          fails: ['SourceUnauthorized', 'does not take the ssh key'],
        },
        {
          name: 'key-in-known-hosts',
          secret: { identity, known_hosts: identity },
          cueRef: from('key-in-known-hosts'),
          fails: ['SourceRefused', 'known hosts'],
        },
      ]);
    },
  );

  story('stays there, when it is written into a reference, where it does not belong', async ({ space }) => {
    const password = canaries.plain('password in a reference');
    const oci: Case['fails'] = ['SourceInvalid', 'no user name or password'];
    const https: Case['fails'] = ['SourceInvalid', 'holds a user or a password'];
    await run(space, [
      { name: 'oci', cueRef: { type: 'oci', ref: `oci://me:${password}@${registry.host}/x:v1` }, fails: oci },
      {
        name: 'slash',
        cueRef: { type: 'oci', ref: `oci://me:${password}/y@${registry.host}/x:v1` },
        fails: oci,
      },
      {
        name: 'https',
        cueRef: { type: 'git', ref: `https://me:${password}@${git.host}/x.git` },
        fails: https,
      },
      { name: 'token', cueRef: { type: 'git', ref: `https://${password}@${git.host}/x.git` }, fails: https },
      { name: 'ssh', cueRef: { type: 'git', ref: `ssh://git:${password}@${git.host}/x.git` }, fails: https },
      {
        name: 'query',
        cueRef: { type: 'git', ref: `https://${git.host}/x.git?token=${password}` },
        fails: ['SourceInvalid', 'there are ref and path'],
      },
    ]);
  });

  story('stays where an administrator put it, when it is for a proxy', async ({ space }) => {
    registry.put('proxied', 'v1', await artifactSaying('hello'));
    const ref = (host: string): JsonObject => ({ type: 'oci', ref: `oci://${host}/proxied:v1` });
    await run(space, [
      { name: 'good', cueRef: ref('good.invalid') },
      {
        name: 'bad',
        cueRef: ref('bad.invalid'),
        fails: ['SourceUnavailable', 'the proxy wants a user name'],
      },
    ]);
  });
});
