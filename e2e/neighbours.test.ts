// Ten tenants together point at places that never end. The others, who use the same operator and the same registry, notice
// nothing.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { afterAll, expect } from 'vitest';
import type { JsonObject } from '../src/json/index.ts';
import { choosePort } from '../test/control-plane/index.ts';
import { sendDrops, startScriptedServer } from '../test/servers/index.ts';
import { conditionOf, story, until, useOperator } from './support/index.ts';
import { artifactSaying, OwnRegistry } from './support/own-registry.ts';
import { openSpace } from './support/story.ts';

const registry = await OwnRegistry.start();
/** Sends a byte a second, for ever. */
const loris = await startScriptedServer(async (_request, response) => await sendDrops(response, ' ', 1_000));
/** Takes connections, reads, and says nothing. */
const sockets = new Set<{ destroy: () => void }>();
const tarpit = createServer((socket) => {
  sockets.add(socket);
  socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  socket.resume();
});
const tarpitPort = await choosePort();
tarpit.listen(tarpitPort, '127.0.0.1');
await once(tarpit, 'listening');
const metricsPort = await choosePort();

const running = useOperator({
  flags: [
    ...['--egress-allow', '127.0.0.1', '--metrics-address', `127.0.0.1:${metricsPort}`],
    ...[registry.host, loris.host, `127.0.0.1:${tarpitPort}`].flatMap((host) => ['--plain-http-host', host]),
  ],
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  tarpit.close();
  await Promise.all([registry.server.stop(), loris.stop()]);
});

/** As many namespaces as there are workers, each with more Transforms than it can have under way at once. */
const HOSTILE_NAMESPACES = 10;
const HOSTILE = 6;
const GOOD = 20;
/** Of the operator's process: what all these answers, none of them larger than a module may be, can have it hold. */
const MAX_GROWTH_BYTES = 300 * 2 ** 20;

async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${running.operator.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

story('places that never answer hold up nobody but those who ask them', async ({ space: good }) => {
  const hostile = await Promise.all(Array.from({ length: HOSTILE_NAMESPACES }, () => openSpace()));
  const bytesBefore = await residentBytes();
  // Each asks for something else: an answer to the same question is waited for together.
  const places = (app: string): readonly JsonObject[] => [
    { type: 'oci', ref: `oci://${loris.host}/${app}:v1` },
    { type: 'oci', ref: `oci://${loris.host}/${app}`, semver: '*' },
    { type: 'git', ref: `http://127.0.0.1:${tarpitPort}/${app}.git` },
  ];
  const names = Array.from({ length: HOSTILE }, (_, at) => `hostile-${at}`);
  await Promise.all(
    hostile.flatMap((space) =>
      names.map((name, at) => {
        const cueRef = places(`${space.namespace}-${at}`)[at % 3] ?? {};
        return space.create('Transform', name, { spec: { serviceAccountName: 'deployer', cueRef } });
      }),
    ),
  );
  await until(
    'the hostile places are asked, by more than there are workers',
    async () => loris.connections().open + sockets.size,
    (open) => open > 10,
  );
  for (let at = 0; at < GOOD; at += 1) registry.put(`good-${at}`, 'v1', await artifactSaying(`of ${at}`));
  await Promise.all(
    Array.from({ length: GOOD }, async (_, at) => {
      const name = `good-${at}`;
      const cueRef = { type: 'oci', ref: registry.ref(`${name}:v1`) };
      await good.create('Transform', name, {
        spec: { serviceAccountName: 'deployer', cueRef, input: { name } },
      });
      await good.untilReady(name);
    }),
  );
  // While that went on, not one of the hostile ones got to an end.
  const states = await Promise.all(
    hostile.flatMap((space) => names.map((name) => space.readTransform(name))),
  );
  expect(states.filter((state) => conditionOf(state, 'Fetched') !== undefined)).toEqual([]);
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  expect(metrics).toContain(`pequod_circuit_state{host="${registry.host}"} 0`);
  await Promise.all(hostile.map((space) => space.kubectl(['delete', 'transforms', '--all', '--wait=false'])));
  await until(
    'all connections are closed',
    async () => loris.connections().open + sockets.size,
    (open) => open === 0,
    120_000,
  );
  expect((await residentBytes()) - bytesBefore).toBeLessThan(MAX_GROWTH_BYTES);
  const namespaces = hostile.map(({ namespace }) => namespace);
  await good.kubectl(['delete', 'namespace', ...namespaces, '--wait=false']);
});
