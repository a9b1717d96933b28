import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { CONFIG_MAPS } from '../../../src/kube/index.ts';
import type { Fault, SeenCall } from '../../faults/proxy/index.ts';
import { eventually } from '../eventually.ts';
import { soon } from '../kube/cluster.ts';
import { type Behind, behindProxy, codeOf, failure, type Heard, hear, put } from './behind-proxy.ts';

let behind: Behind;

beforeEach(async () => {
  behind = await behindProxy(inject('controlPlane'));
  await put(behind, behind.admin, 'old');
});

afterEach(async () => {
  await behind[Symbol.asyncDispose]();
});

const LISTED = ['ADDED old', 'list ends'];

/** A watch through the proxy that has this fault. */
async function hearUnder(fault: Fault): Promise<Heard> {
  behind.proxy.inject({ matches: (call) => call.verb === 'watch', fault });
  return await hear(behind, behind.client);
}

/** Makes ConfigMaps past the proxy, and waits until a watch beside the proxy's has heard of them. */
async function make(...names: string[]): Promise<void> {
  const control = await hear(behind, behind.admin);
  for (const name of names) await put(behind, behind.admin, name);
  await eventually(() => expect(control.lines).toContain(`ADDED ${names.at(-1)}`));
  control.stop();
}

async function expectLines(heard: Heard, ...lines: string[]): Promise<void> {
  await eventually(() => expect(heard.lines).toEqual(lines));
}

describe('a watch', () => {
  it('comes through as it is, and its events are counted', async () => {
    const heard = await hear(behind, behind.client);
    await make('a', 'b');
    await expectLines(heard, ...LISTED, 'ADDED a', 'ADDED b');
    const [call] = behind.proxy.calls;
    expect(call).toMatchObject({ verb: 'watch', changes: 2, landed: { status: 200 } });
    heard.stop();
  });

  it('loses the events that a rule names, and goes on', async () => {
    const heard = await hearUnder({ type: 'drop-events', afterEvents: 1, count: 2 });
    await make('a', 'b', 'c', 'd');
    await expectLines(heard, ...LISTED, 'ADDED a', 'ADDED d');
    heard.stop();
  });

  it('stalls where a rule says so, with its connection open', async () => {
    const atOnce = await hearUnder({ type: 'stall' });
    const later = await hearUnder({ type: 'stall', afterEvents: 1 });
    const other = await hear(behind, behind.client);
    await make('a', 'b');
    await expectLines(other, ...LISTED, 'ADDED a', 'ADDED b');
    expect(atOnce.lines).toEqual([]);
    expect(later.lines).toEqual([...LISTED, 'ADDED a']);
    for (const heard of [atOnce, later, other]) heard.stop();
  });

  it.each([410, 429, 500] as const)('says ERROR %d and ends', async (status) => {
    const heard = await hearUnder({ type: 'error-frame', status, afterEvents: 1 });
    await make('a', 'b');
    await expectLines(heard, ...LISTED, 'ADDED a', `ERROR ${status}`, 'end');
  });

  it('ends cleanly, or inside a frame', async () => {
    const clean = await hearUnder({ type: 'end-stream', isInsideFrame: false, afterEvents: 0 });
    await expectLines(clean, ...LISTED, 'end');
    const broken = await hearUnder({ type: 'end-stream', isInsideFrame: true, afterEvents: 1 });
    await make('a', 'b');
    await expectLines(broken, ...LISTED, 'ADDED a', 'broken: badResponse');
    const short = await hearUnder({ type: 'end-stream', isInsideFrame: false, afterMs: 50 });
    await eventually(() => expect(short.lines.at(-1)).toBe('end'));
  });

  it('is refused as too old, or cut off', async () => {
    behind.proxy.inject({ matches: () => true, fault: { type: 'gone' } });
    expect(codeOf(await failure(hear(behind, behind.client)))).toBe('410');
    const cut = await hearUnder({ type: 'cut', afterBytes: 10 });
    await expectLines(cut, 'broken: connection');
  });

  it('is struck while it is open, by what is counted over streams that follow each other', async () => {
    const { proxy, client } = behind;
    const carried: string[] = [];
    const end = proxy.onEvent(({ resource }) => carried.push(resource));
    const first = await hear(behind, client);
    await expectLines(first, ...LISTED);
    const matches = (watch: SeenCall): boolean => watch.resource === 'configmaps';
    const lost = proxy.injectIntoWatches({
      matches,
      fault: { type: 'drop-events', afterEvents: 1, count: 1 },
    });
    const silent = proxy.injectIntoWatches({ matches, fault: { type: 'stall', afterEvents: 3 } });
    await make('a');
    await expectLines(first, ...LISTED, 'ADDED a');
    expect([lost.struck, silent.struck]).toEqual([undefined, undefined]);
    first.stop();
    await eventually(() => expect(proxy.calls.every(({ delivered }) => delivered !== undefined)).toBe(true));
    const second = await hear(behind, client);
    await eventually(() => expect(second.lines).toContain('list ends'));
    await make('b', 'c', 'd');
    await eventually(() => expect(silent.struck).toBeDefined());
    expect(second.lines.slice(-2)).toEqual(['list ends', 'ADDED c']);
    expect([lost.struck?.number, silent.struck?.number]).toEqual([2, 2]);
    expect(carried).toEqual(['configmaps', 'configmaps']);
    const now = proxy.injectIntoWatches({
      matches,
      fault: { type: 'end-stream', isInsideFrame: false },
    });
    const third = await hear(behind, client);
    await eventually(() => expect(third.lines.at(-1)).toBe('end'));
    expect(now.struck?.number).toBe(3);
    end();
    second.stop();
  });

  it('does not outlive a kill', async () => {
    const { proxy, client } = behind;
    const heard = await hear(behind, client);
    const kill = (): void => undefined;
    proxy.inject({ matches: (call) => call.isWrite, fault: { type: 'kill', when: 'after', kill } });
    await failure(put(behind, client, 'a'));
    await eventually(() => expect(heard.lines.at(-1)).toBe('broken: connection'));
    expect(heard.lines).not.toContain('end');
  });
});

describe('a frozen view', () => {
  it('shows lists and watches one version, and what there is after the thaw', async () => {
    const { proxy, client, namespace, admin } = behind;
    const before = await hear(behind, client);
    await expectLines(before, ...LISTED);
    const version = await put(behind, admin, 'kept');
    await expectLines(before, ...LISTED, 'ADDED kept');
    await put(behind, admin, 'late');
    await expectLines(before, ...LISTED, 'ADDED kept', 'ADDED late');
    const thaw = proxy.freeze(version);
    const whole = await hear(behind, client);
    const metadata = await hear(behind, client, { isMetadataOnly: true });
    const resumed = await hear(behind, client, { resourceVersion: version });
    await make('later');

    for (const heard of [whole, metadata]) {
      await eventually(() => expect(heard.lines).toHaveLength(3));
      expect(new Set(heard.lines)).toEqual(new Set([...LISTED, 'ADDED kept']));
      expect(heard.lines.at(-1)).toBe('list ends');
    }
    expect(resumed.lines).toEqual([]);
    expect(before.lines).toHaveLength(4);
    const listed = await client.listAll(CONFIG_MAPS, { namespace }, soon());
    expect(listed.map(({ metadata }) => metadata.name)).not.toContain('late');
    // As a real API server does it: one object is read from a quorum.
    const late = await client.get(CONFIG_MAPS, { namespace, name: 'late' }, soon());
    expect(late.metadata.name).toBe('late');

    thaw();
    for (const heard of [before, whole, metadata, resumed]) {
      await eventually(() => expect(heard.lines.at(-1)).toBe('end'));
    }
    const after = await hear(behind, client, { resourceVersion: version });
    await expectLines(after, 'ADDED late', 'ADDED later');
    after.stop();
  });
});
