// Places that no Transform can have the operator call, whichever way it is sent there.

import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, describe, expect } from 'vitest';
import type { JsonObject } from '../src/json/index.ts';
import { startScriptedServer } from '../test/servers/index.ts';
import { conditionOf, story, useOperator } from './support/index.ts';
import { artifactSaying, OwnRegistry } from './support/own-registry.ts';

/** Takes connections at an address, and counts them. */
async function watchAddress(
  address: string,
): Promise<{ readonly server: Server; readonly count: () => number; readonly port: number }> {
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    socket.destroy();
  });
  server.listen(0, address);
  await once(server, 'listening');
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  return { server, count: () => count, port: bound.port };
}

// Listed: 127.0.0.1, with two ports of plain http. Not listed: every other loopback address.
const registry = await OwnRegistry.start();
const unlisted = await OwnRegistry.start();
const loopback = await watchAddress('127.0.0.2');
const redirecting = await startScriptedServer((request, response) => {
  const [, where = ''] = /^\/(?:v2\/)?([a-z-]+)\//.exec(request.url) ?? [];
  const hosts: Readonly<Record<string, string>> = {
    metadata: 'https://169.254.169.254',
    loopback: `https://127.0.0.2:${loopback.port}`,
    mapped: 'https://[::ffff:169.254.169.254]',
    decimal: 'https://2852039166',
    plain: `http://127.0.0.2:${loopback.port}`,
  };
  const tail = request.url.includes('.git')
    ? '/x.git/info/refs?service=git-upload-pack'
    : '/latest/meta-data';
  response.writeHead(307, { location: `${hosts[where] ?? ''}${tail}` }).end();
});

useOperator({
  flags: [
    ...['--egress-allow', '127.0.0.1', '--plain-http-host', registry.host],
    ...['--plain-http-host', redirecting.host, '--plain-http-host', `127.0.0.2:${loopback.port}`],
    ...['--source-hosts', '127.0.0.1', '--source-hosts', '127.0.0.2', '--source-hosts', 'localhost'],
    ...['--source-hosts', '169.254.0.0/16', '--source-hosts', '10.0.0.0/8', '--source-hosts', '*.svc'],
  ],
});

afterAll(async () => {
  loopback.server.close();
  await Promise.all([registry.server.stop(), unlisted.server.stop(), redirecting.stop()]);
});

describe.concurrent('a place that may not be asked', () => {
  const oci = (host: string, repository = 'app'): JsonObject => ({
    type: 'oci',
    ref: `oci://${host}/${repository}:v1`,
  });
  const git = (ref: string): JsonObject => ({ type: 'git', ref });

  story.for<readonly [string, JsonObject, string | RegExp]>([
    ['the cloud’s metadata', oci('169.254.169.254'), 'never called'],
    ['the cloud’s metadata by git', git('https://169.254.169.254/x.git'), 'never called'],
    ['the cloud’s metadata as IPv6', oci('[fd00:ec2::254]'), /never called|--source-hosts/],
    [
      'the cloud’s metadata, mapped',
      git('https://[::ffff:169.254.169.254]/x.git'),
      /never called|--source-hosts/,
    ],
    ['the machine itself', oci(`127.0.0.2:${loopback.port}`), '--egress-allow'],
    ['the machine itself by git', git(`http://127.0.0.2:${loopback.port}/x.git`), '--egress-allow'],
    ['the cluster’s own addresses', oci('10.96.0.1'), '--egress-allow'],
    ['a host that is not listed', oci('registry.example'), '--source-hosts'],
    ['an address that is not listed', git('https://192.0.2.1/x.git'), '--source-hosts'],
    ['a redirect to metadata', oci(redirecting.host, 'metadata/x'), 'never called'],
    ['a redirect to mapped metadata', oci(redirecting.host, 'mapped/x'), /never called|--source-hosts/],
    ['a redirect to metadata in decimal', oci(redirecting.host, 'decimal/x'), 'never called'],
    ['a redirect to the machine', oci(redirecting.host, 'loopback/x'), '--egress-allow'],
    ['a redirect to the machine in plain http', oci(redirecting.host, 'plain/x'), '--egress-allow'],
    ['a redirect by git to metadata', git(`${redirecting.url}/metadata/x.git`), 'never called'],
    ['a redirect by git to the machine', git(`${redirecting.url}/loopback/x.git`), '--egress-allow'],
  ])('is %s', async ([, cueRef, words], { space }) => {
    await space.transform('shop', { cueRef });
    const failing = await space.untilFailing('shop', 'SourceRefused');
    expect(conditionOf(failing, 'Fetched')?.message).toMatch(words);
    expect(await space.names('ResourceGraph')).toEqual([]);
    expect(loopback.count()).toBe(0);
  });

  story('is a server without TLS that is not listed as one', async ({ space }) => {
    unlisted.put('app', 'v1', await artifactSaying('hello'));
    await space.transform('registry', { cueRef: oci(unlisted.host) });
    await space.transform('git', { cueRef: git(`${unlisted.server.url}/x.git`) });
    const failing = await space.untilFailing('registry', 'SourceUnavailable');
    expect(conditionOf(failing, 'Fetched')?.message).toContain('--plain-http-host');
    await space.untilFailing('git', 'SourceRefused');
    expect(unlisted.server.requests()).toEqual([]);
  });

  story('is none that was listed', async ({ space }) => {
    registry.put('app', 'v1', await artifactSaying('hello'));
    await space.transform('shop', { cueRef: oci(registry.host) });
    await space.untilReady('shop');
  });
});
