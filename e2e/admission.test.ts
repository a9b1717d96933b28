// Admission webhooks that fail, hang, refuse or interfere: who is behind them is told by name, and nobody else notices.
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { JsonObject } from '../src/json/index.ts';
import type { AuditLog, AuditMark } from '../test/control-plane/index.ts';
import { GATED, Gate } from './support/gate.ts';
import {
  cluster,
  describeCall,
  inline,
  type NodeInModule,
  configMap as plain,
  type Space,
  story,
  until,
  useOperator,
  writesSince,
} from './support/index.ts';
import { openSpace } from './support/story.ts';

/** Longer than the grace that a deletion gives lost rights. */
const GRACE_MS = 2_000;

useOperator({ flags: ['--identity-gone-grace', `${GRACE_MS}ms`] });

let audit: AuditLog;
beforeAll(async () => {
  audit = await cluster.openAuditLog();
});
afterAll(() => audit.close());

/** A ConfigMap that the webhook is asked about. */
function gated(data: JsonObject = {}): NodeInModule {
  const metadata = { name: 'gated', labels: GATED };
  return { object: { apiVersion: 'v1', kind: 'ConfigMap', metadata, data } };
}

async function writesToGated(space: Space, mark: AuditMark): Promise<number> {
  const writes = await writesSince(audit, mark, space.namespace);
  return writes.filter((write) => describeCall(write) === 'patch configmaps/gated').length;
}

async function untilRefused(space: Space, name: string, reason: string, attempts: number): Promise<string> {
  const blocked = await space.untilTransform(
    name,
    `is refused with ${reason}`,
    ({ status }) => status?.blockedBy?.startsWith('gated: ConfigMap') === true,
  );
  await until(
    `${attempts} attempts that end with ${reason}`,
    async () => (await space.findGraphStatus(name)).nodeStatus?.['gated'],
    (node) => node?.reason === reason && (node.attempts ?? 0) >= attempts,
  );
  return blocked.status?.blockedBy ?? '';
}

describe.concurrent('an admission webhook', () => {
  story('that is down is named; what it is not asked about goes on', async ({ space }) => {
    await using gate = await Gate.open(space);
    await gate.fall();
    const mark = await audit.mark();
    const after = plain('after', {}, { dependsOn: ['gated'] });
    await space.transform('shop', inline({ gated: gated(), apart: plain('apart'), after }));
    await space.transform('other', inline({ other: plain('other') }));
    await space.untilReady('other');
    expect(await untilRefused(space, 'shop', 'AdmissionUnavailable', 3)).toContain(gate.webhook);
    expect(await space.names('ConfigMap')).toEqual(['apart', 'other']);

    const { nodeStatus } = await space.graphStatus('shop');
    const writes = await writesToGated(space, mark);
    // One call per attempt, and the attempts back off: a write may be under way while this is counted.
    expect(writes).toBeLessThanOrEqual((nodeStatus?.['gated']?.attempts ?? 0) + 1);
    expect(writes).toBeLessThanOrEqual(6);
    await gate.rise();
    await space.untilReady('shop');
  });

  story('that says nothing until its time is over is named', async ({ space }) => {
    await using gate = await Gate.open(space, { timeoutSeconds: 1 });
    const silence = Promise.withResolvers<JsonObject>();
    gate.judge(() => silence.promise);
    await space.transform('shop', inline({ gated: gated() }));
    expect(await untilRefused(space, 'shop', 'AdmissionUnavailable', 1)).toContain(gate.webhook);
    silence.resolve({ allowed: true });
    gate.judge(() => ({ allowed: true }));
    await space.untilReady('shop');
  });

  story('that holds up all of one namespace holds up nobody else', async ({ space }) => {
    const elsewhere = await openSpace();
    await using gate = await Gate.open(space, { timeoutSeconds: 30 });
    const silence = Promise.withResolvers<JsonObject>();
    gate.judge(() => silence.promise);
    const names = Array.from({ length: 20 }, (_, at) => `held-${at}`);
    const node = (name: string): NodeInModule => {
      const { object } = gated();
      return { object: { ...object, metadata: { name, labels: GATED } } };
    };
    await Promise.all(names.map((name) => space.transform(name, inline({ gated: node(name) }))));
    await until(
      'the webhook is asked by as many as can',
      async () => gate.questions.length,
      (asked) => asked >= 5,
    );
    for (const name of ['one', 'two', 'three']) {
      await elsewhere.transform(name, inline({ own: plain(name) }));
      await elsewhere.untilReady(name);
    }
    // All that went on while the webhook kept silent.
    expect(gate.answered).toBe(0);
    silence.resolve({ allowed: true });
    gate.judge(() => ({ allowed: true }));
    for (const name of names) await space.untilReady(name);
    await elsewhere.kubectl(['delete', 'namespace', elsewhere.namespace, '--wait=false']);
  });

  story('that refuses is quoted, and asked again when it may have changed its mind', async ({ space }) => {
    await using gate = await Gate.open(space);
    gate.judge(() => ({ allowed: false, status: { code: 403, message: 'not on a Friday' } }));
    await space.transform('shop', inline({ gated: gated(), apart: plain('apart') }));
    const said = await untilRefused(space, 'shop', 'AdmissionDenied', 2);
    expect(said).toContain(`admission webhook "${gate.webhook}" denied the request: not on a Friday`);
    expect(await space.names('ConfigMap')).toEqual(['apart']);
    gate.judge(() => ({ allowed: true }));
    await space.untilReady('shop');
  });

  story('that forbids a deletion is no lack of rights: nothing is left behind for it', async ({ space }) => {
    await using gate = await Gate.open(space, { operations: ['DELETE'] });
    await space.transform('shop', inline({ gated: gated() }));
    await space.untilReady('shop');
    gate.judge(() => ({ allowed: false, status: { code: 403, message: 'it is kept' } }));
    await space.delete('Transform', 'shop');
    const { metadata } = await space.get('Transform', 'shop');
    const graceEndsMs = Date.parse(metadata.deletionTimestamp ?? '') + 1_000 + GRACE_MS;
    await until(
      'the webhook is asked after the grace',
      async () => gate.questions.length,
      () => gate.questions.some(({ receivedAtMs }) => receivedAtMs > graceEndsMs),
    );
    const waiting = await space.readTransform('shop');
    expect(waiting.status?.blockedBy).toContain('it is kept');
    gate.judge(() => ({ allowed: true }));
    await space.untilGone('Transform', 'shop');
    expect(await space.names('ConfigMap')).toEqual([]);
  });

  story('that takes away our label is told, and not fought', async ({ space }) => {
    await using gate = await Gate.open(space, { isMutating: true });
    const path = '/metadata/labels/pequod.io~1graph';
    const patch = Buffer.from(JSON.stringify([{ op: 'remove', path }])).toString('base64');
    const hasLabel = ({ object }: { readonly object: JsonObject }): boolean =>
      JSON.stringify(object['metadata']).includes('"pequod.io/graph":');
    gate.judge((question) =>
      hasLabel(question) ? { allowed: true, patchType: 'JSONPatch', patch } : { allowed: true },
    );
    const mark = await audit.mark();
    await space.transform('shop', inline({ gated: gated({ k: 'v' }), apart: plain('apart') }));
    await untilRefused(space, 'shop', 'LabelTaken', 3);
    expect(await writesToGated(space, mark)).toBeLessThanOrEqual(6);
    gate.judge(() => ({ allowed: true }));
    await space.untilReady('shop');
    const { labels } = (await space.get('ConfigMap', 'gated')).metadata;
    expect(labels).toHaveProperty(['pequod.io/graph']);
  });
});
