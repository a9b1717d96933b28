import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { InvalidObjectError } from '../../../src/errors.ts';
import { ApiError, CONFIG_MAPS, type OperatorClient, TransportError } from '../../../src/kube/index.ts';
import type { Fault, SeenCall } from '../../faults/proxy/index.ts';
import { eventually } from '../eventually.ts';
import { soon } from '../kube/cluster.ts';
import { type Behind, behindProxy, codeOf, exists, failure, put } from './behind-proxy.ts';

let behind: Behind;
let client: OperatorClient;

beforeAll(async () => {
  behind = await behindProxy(inject('controlPlane'));
});

afterAll(async () => {
  await behind[Symbol.asyncDispose]();
});

// A client remembers that it was asked to wait: each test has one of its own.
beforeEach(async () => {
  client = await behind.another();
  behind.proxy.letThrough();
  behind.proxy.restartCount();
});

/** Puts `fault` upon the apply of the ConfigMap `name`. @returns what the client got of it */
async function applyUnder(fault: Fault, name: string, timeoutMs?: number): Promise<unknown> {
  behind.proxy.inject({ matches: (call) => call.verb === 'apply' && call.name === name, fault });
  return failure(put(behind, client, name, { a: '1' }, timeoutMs));
}

function onlyCall(): SeenCall {
  const [call, ...others] = behind.proxy.calls;
  if (call === undefined || others.length > 0) throw new Error(`${others.length + 1} calls instead of one`);
  return call;
}

describe('without a fault', () => {
  it('passes calls on with the rights of their caller, and keeps a record', async () => {
    const { proxy, namespace } = behind;
    const heard: number[] = [];
    const end = proxy.onCall((call) => heard.push(call.number));
    await put(behind, client, 'plain', { a: '1' });
    await client.get(CONFIG_MAPS, { namespace, name: 'plain' }, soon());
    const refused = await failure(client.listAll(CONFIG_MAPS, { namespace: 'kube-system' }, soon()));
    end();
    await client.listAll(CONFIG_MAPS, { namespace }, soon());

    expect(codeOf(refused)).toBe('403');
    expect(heard).toEqual([1, 2, 3]);
    expect(
      proxy.calls.map(({ number, verb, name, landed, delivered, isWrite, fault }) => [
        number,
        verb,
        name,
        landed?.status,
        delivered?.status,
        isWrite,
        fault,
      ]),
    ).toEqual([
      [1, 'apply', 'plain', 201, 201, true, undefined],
      [2, 'get', 'plain', 200, 200, false, undefined],
      [3, 'list', undefined, 403, 403, false, undefined],
      [4, 'list', undefined, 200, 200, false, undefined],
    ]);
    proxy.restartCount();
    await client.get(CONFIG_MAPS, { namespace, name: 'plain' }, soon());
    expect(onlyCall().number).toBe(1);
  });
});

describe('a fault of one call', () => {
  it('loses the answer of a write that landed', async () => {
    expect(await applyUnder({ type: 'response-lost' }, 'lost')).toBeInstanceOf(TransportError);
    expect(await exists(behind, 'lost')).toBe(true);
    expect(onlyCall()).toMatchObject({
      fault: 'response-lost',
      landed: { status: 201 },
      delivered: { status: 'none' },
    });
    await put(behind, client, 'lost', { a: '2' });
  });

  it('resets a connection before the call is passed on', async () => {
    expect(await applyUnder({ type: 'reset' }, 'reset')).toBeInstanceOf(TransportError);
    expect(await exists(behind, 'reset')).toBe(false);
    expect(onlyCall()).toMatchObject({ fault: 'reset', landed: undefined, delivered: { status: 'none' } });
  });

  it.each([0, 20])('breaks an answer off after %d bytes of its body', async (afterBytes) => {
    const name = `cut-${afterBytes}`;
    expect(await applyUnder({ type: 'cut', afterBytes }, name)).toBeInstanceOf(TransportError);
    expect(await exists(behind, name)).toBe(true);
  });

  it('answers with half a document', async () => {
    const error = await applyUnder({ type: 'truncated-json' }, 'half');
    expect(codeOf(error)).toBe('badResponse');
    expect(await exists(behind, 'half')).toBe(true);
  });

  it('leaves a call that landed without an answer', async () => {
    const error = await applyUnder({ type: 'no-answer' }, 'silence', 500);
    expect(error).toMatchObject({ name: 'TimeoutError' });
    expect(await exists(behind, 'silence')).toBe(true);
    await eventually(() => expect(onlyCall().delivered?.status).toBe('none'));
  });

  it('is late by as long as it says', async () => {
    expect(await applyUnder({ type: 'delay', ms: 300 }, 'late')).toBeUndefined();
    const { receivedAtMs, landed } = onlyCall();
    expect((landed?.atMs ?? 0) - receivedAtMs).toBeGreaterThanOrEqual(299);
  });

  it.each([409, 422, 429, 500, 503, 504] as const)(
    'answers %d in place of the API server',
    async (status) => {
      const error = await applyUnder({ type: 'status', status, retryAfterSeconds: 7 }, `status-${status}`);
      if (status === 422) expect(error).toBeInstanceOf(InvalidObjectError);
      else expect(codeOf(error)).toBe(String(status));
      expect(await exists(behind, `status-${status}`)).toBe(false);
      expect(onlyCall()).toMatchObject({ landed: undefined, delivered: { status } });
      if (status === 429) expect(error).toMatchObject({ retry: { afterMs: 7_000 } });
    },
  );

  it('says that a list is too old', async () => {
    const { proxy, namespace } = behind;
    proxy.inject({ matches: () => true, fault: { type: 'gone' } });
    await client.get(CONFIG_MAPS, { namespace, name: 'kube-root-ca.crt' }, soon());
    const error = await failure(client.listAll(CONFIG_MAPS, { namespace }, soon()));
    expect(error).toBeInstanceOf(ApiError);
    expect(codeOf(error)).toBe('410');
  });

  it('is carried out as often as its rule says, the oldest rule first', async () => {
    const { proxy } = behind;
    const matches = (call: SeenCall): boolean => call.name === 'often';
    proxy.inject({ matches, fault: { type: 'status', status: 503 }, times: 2 });
    const takeAway = proxy.inject({ matches, fault: { type: 'status', status: 500 } });
    const codes: string[] = [];
    for (let index = 0; index < 3; index += 1) {
      codes.push(codeOf(await failure(put(behind, client, 'often'))));
      if (index === 1) takeAway();
    }
    expect(codes).toEqual(['503', '503', 'none']);
  });
});

describe('a kill', () => {
  it.each(['before', 'after'] as const)('%s a call lets nothing more of that life through', async (when) => {
    const { proxy, another } = behind;
    let killed = 0;
    const kill = (): void => {
      killed += 1;
    };
    const late = `kill-${when}-late`;
    proxy.inject({ matches: (call) => call.name === late, fault: { type: 'delay', ms: 60_000 } });
    const waiting = failure(put(behind, client, late));
    await eventually(() => expect(proxy.calls).toHaveLength(1));
    const chosen = `kill-${when}`;
    expect(await applyUnder({ type: 'kill', when, kill }, chosen)).toBeInstanceOf(TransportError);
    expect(killed).toBe(1);
    expect(await waiting).toBeInstanceOf(TransportError);
    expect(await failure(put(behind, client, `${chosen}-next`))).toBeInstanceOf(TransportError);
    await proxy.idle();
    const landed = proxy.calls.map(({ name, landed }) => [name, landed?.status]);
    expect(landed).toEqual([
      [late, undefined],
      [chosen, when === 'after' ? 201 : undefined],
    ]);
    expect(proxy.calls.every(({ delivered }) => delivered?.status === 'none')).toBe(true);

    proxy.letThrough();
    await put(behind, await another(), `${chosen}-again`);
    expect(await exists(behind, late)).toBe(false);
    expect(await exists(behind, chosen)).toBe(when === 'after');
    expect(await exists(behind, `${chosen}-next`)).toBe(false);
    expect(await exists(behind, `${chosen}-again`)).toBe(true);
  });
});
