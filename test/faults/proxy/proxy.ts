// Passes an operator's calls on to the API server and carries out what the rules say.
// - What was passed on lands, whatever happens to the operator or to its answer: a campaign has to know what landed.
// - After a kill nothing of that life is passed on: what waits, waits for nothing.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { assertNever } from '../../../src/errors.ts';
import {
  type ControlPlaneAccess,
  issueCertificate,
  layoutOf,
  readAuthority,
} from '../../control-plane/index.ts';
import { factsOf } from './call.ts';
import { Exchange } from './exchange.ts';
import { FrozenView } from './frozen-view.ts';
import { Gate } from './gate.ts';
import { isWatchFault, Rules } from './rules.ts';
import type { Fault, FaultProxy, FaultRule, SeenCall, WaitingStrike } from './types.ts';
import { Upstream, type WholeAnswer } from './upstream.ts';
import { type OpenWatch, WatchTraffic } from './watch-traffic.ts';

/** Starts a proxy of this control plane, for one operator. Close it before the control plane stops. */
export async function startFaultProxy(controlPlane: ControlPlaneAccess): Promise<FaultProxy> {
  const authority = await readAuthority(layoutOf(controlPlane.directory));
  const certificate = issueCertificate(
    authority,
    { commonName: 'fault-proxy' },
    { kind: 'server', hosts: ['localhost'], addresses: ['127.0.0.1'] },
  );
  return new OperatorProxy(controlPlane, await Gate.listen(certificate), await Upstream.to(controlPlane));
}

class OperatorProxy implements FaultProxy {
  readonly url: string;
  readonly #controlPlane: ControlPlaneAccess;
  readonly #gate: Gate;
  readonly #upstream: Upstream;
  readonly #watches: WatchTraffic;
  readonly #rules: Rules = new Rules();
  readonly #handlers: Set<(call: SeenCall) => void> = new Set();
  readonly #underWay: Set<Promise<unknown>> = new Set();
  #calls: SeenCall[] = [];
  #life: AbortController = new AbortController();
  #view: FrozenView | undefined;

  constructor(controlPlane: ControlPlaneAccess, gate: Gate, upstream: Upstream) {
    this.#controlPlane = controlPlane;
    this.#gate = gate;
    this.#upstream = upstream;
    this.#watches = new WatchTraffic(upstream, () => this.#view);
    this.url = gate.url;
    gate.serve((request, response) => void this.#serve(request, response));
  }

  get calls(): readonly SeenCall[] {
    return this.#calls;
  }

  kubeconfigFor(identity: Parameters<FaultProxy['kubeconfigFor']>[0]): Promise<string> {
    return this.#controlPlane.kubeconfigFor(identity, AbortSignal.timeout(30_000), this.url);
  }

  onCall(handler: (call: SeenCall) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  inject(rule: FaultRule): () => void {
    return this.#rules.add(rule);
  }

  injectIntoWatches(rule: Parameters<FaultProxy['injectIntoWatches']>[0]): WaitingStrike {
    return this.#watches.strike(rule.fault, rule.matches);
  }

  onEvent(handler: (watch: SeenCall) => void): () => void {
    return this.#watches.onEvent(handler);
  }

  restartCount(): void {
    this.#calls = [];
  }

  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  letThrough(): void {
    if (!this.#life.signal.aborted) return;
    this.#life = new AbortController();
    this.#gate.open();
  }

  freeze(resourceVersion: string): () => void {
    this.#view?.thaw();
    const view = new FrozenView(resourceVersion);
    this.#view = view;
    this.#watches.silence(view);
    return () => {
      if (this.#view === view) this.#view = undefined;
      view.thaw();
    };
  }

  async close(): Promise<void> {
    this.#life.abort();
    await this.#gate.close();
    await this.#upstream.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const life = this.#life.signal;
    // Whoever hangs up hears no more; a request that did not come to its end was none.
    request.on('error', () => response.destroy());
    response.on('error', () => response.destroy());
    const body = await buffer(request).catch(() => undefined);
    if (body === undefined || life.aborted) return;
    const { method = '', url: path = '/', headers, rawHeaders } = request;
    const call = this.#note({ method, path, headers, body });
    const exchange = new Exchange(call, { method, path, rawHeaders, body }, response, life);
    try {
      await this.#carryOut(exchange, this.#rules.take(call));
    } catch {
      // The API server can't be reached, or its answer broke off: so does ours.
      this.#gate.reset(response);
    }
  }

  #note(request: Parameters<typeof factsOf>[0]): SeenCall {
    const call: SeenCall = {
      ...factsOf(request),
      number: this.#calls.length + 1,
      receivedAtMs: performance.now(),
      landed: undefined,
      delivered: undefined,
      changes: 0,
      fault: undefined,
    };
    this.#calls.push(call);
    for (const handler of this.#handlers) handler(call);
    return call;
  }

  async #carryOut(exchange: Exchange, fault: Fault | undefined): Promise<void> {
    if (fault === undefined) return await this.#pass(exchange);
    exchange.call.fault = fault.type;
    if (isWatchFault(fault)) return await this.#watches.pass(exchange, fault);
    switch (fault.type) {
      case 'kill':
        if (fault.when === 'after') await this.#land(exchange);
        return this.#kill(fault.kill);
      case 'response-lost':
        await this.#land(exchange);
        return this.#gate.reset(exchange.response);
      case 'reset':
        return this.#gate.reset(exchange.response);
      case 'cut':
        if (exchange.call.verb === 'watch') return await this.#watches.cut(exchange, fault.afterBytes);
        return exchange.deliverCut(await this.#ask(exchange), fault.afterBytes);
      case 'truncated-json':
        return exchange.deliverHalf(await this.#ask(exchange));
      case 'delay':
        await delay(fault.ms, undefined, { signal: exchange.life }).catch(() => undefined);
        return await this.#pass(exchange);
      case 'no-answer':
        await this.#land(exchange);
        return;
      case 'status':
        return exchange.deliverStatus(fault.status, fault.retryAfterSeconds);
      case 'gone':
        return exchange.deliverStatus(410);
      default:
        assertNever(fault);
    }
  }

  async #pass(exchange: Exchange): Promise<void> {
    if (exchange.life.aborted) return;
    if (exchange.call.verb === 'watch') return await this.#watches.pass(exchange, undefined);
    exchange.deliver(await this.#ask(exchange));
  }

  /** Passes the call on, for its effect alone: nobody gets the answer. */
  async #land(exchange: Exchange): Promise<void> {
    if (exchange.call.verb !== 'watch') await this.#ask(exchange);
    else {
      const watch: OpenWatch = await this.#watches.open(exchange);
      watch.leave();
    }
  }

  async #ask(exchange: Exchange): Promise<WholeAnswer> {
    const { call, request } = exchange;
    const asking =
      this.#view?.covers(call) === true
        ? this.#view.list(request, this.#upstream)
        : this.#upstream.ask(request);
    this.#underWay.add(asking);
    try {
      const answer = await asking;
      exchange.noteLanded(answer.status, call.isWrite ? answer.body : undefined);
      return answer;
    } finally {
      this.#underWay.delete(asking);
    }
  }

  #kill(kill: () => void): void {
    this.#life.abort();
    this.#gate.shut();
    kill();
  }
}
