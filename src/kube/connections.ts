// The sockets of one cluster: one agent for short calls, one for watches, so that a hundred idle watches never hold back
// a write. HTTP/1.1, kept alive. New agents when CA or client certificate change; old streams end by themselves.
// The kernel asks at the other end of every quiet connection, so that one that leads nowhere any more ends within ten
// seconds: a watch that is silent for hours as well as an idle socket that the next write would be lost in.
import { Agent, buildConnector } from 'undici';
import { untilAborted } from './abort.ts';
import { type ClusterConfig, CREDENTIAL_MAX_AGE_MS, type TlsMaterial } from './config.ts';

const IDLE_SOCKET_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;
const READ_TIMEOUT_MS = 60_000;
/** Quiet time after which the other end is asked, the time between questions, and how many may go unanswered. */
const KEEPALIVE = { enable: true, initialDelay: 5_000, interval: 1_000, count: 5 } as const;

interface Generation {
  readonly tls: TlsMaterial;
  readonly unary: Agent;
  readonly watch: Agent;
}

export class Connections {
  readonly #config: ClusterConfig;
  readonly #maxSockets: number;
  readonly #now: () => number;
  readonly #retired: Set<Agent> = new Set();
  #current: Generation | undefined;
  #checkedAtMs = 0;
  #check: Promise<Generation> | undefined;

  constructor(config: ClusterConfig, maxSockets: number, now: () => number) {
    this.#config = config;
    this.#maxSockets = maxSockets;
    this.#now = now;
  }

  /** The agents for the TLS material of the last minute. */
  async agents(signal: AbortSignal): Promise<{ readonly unary: Agent; readonly watch: Agent }> {
    const current = this.#current;
    if (current !== undefined && this.#now() - this.#checkedAtMs < CREDENTIAL_MAX_AGE_MS) return current;
    // Shared by all callers, so that no single one of them may end it.
    this.#check ??= this.#renew(AbortSignal.timeout(READ_TIMEOUT_MS)).finally(() => {
      this.#check = undefined;
    });
    return untilAborted(this.#check, signal);
  }

  /** The files may have changed sooner than expected: they are read again before the next request. */
  doubt(): void {
    this.#checkedAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Ends all sockets at once. */
  async destroy(): Promise<void> {
    const { unary, watch } = this.#current ?? {};
    const agents = [...this.#retired, unary, watch];
    await Promise.all(agents.map((agent) => agent?.destroy()));
  }

  async #renew(signal: AbortSignal): Promise<Generation> {
    const current = this.#current;
    const tls = await this.#readTls(current, signal);
    this.#checkedAtMs = this.#now();
    if (current !== undefined && isSameTls(current.tls, tls)) return current;
    const next = { tls, unary: this.#agent(tls, this.#maxSockets), watch: this.#agent(tls, null) };
    this.#current = next;
    for (const agent of [current?.unary, current?.watch]) if (agent !== undefined) this.#retire(agent);
    return next;
  }

  /** While files are being replaced they may be missing for a moment: what we have goes on being used. */
  async #readTls(current: Generation | undefined, signal: AbortSignal): Promise<TlsMaterial> {
    try {
      return await this.#config.readTls(signal);
    } catch (error) {
      if (current === undefined) throw error;
      return current.tls;
    }
  }

  #retire(agent: Agent): void {
    this.#retired.add(agent);
    const forget = (): void => {
      this.#retired.delete(agent);
    };
    agent.close().then(forget, forget);
  }

  #agent(tls: TlsMaterial, connections: number | null): Agent {
    const { tlsServerName, insecureSkipTlsVerify } = this.#config;
    return new Agent({
      allowH2: false,
      connections,
      pipelining: 1,
      keepAliveTimeout: IDLE_SOCKET_MS,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: lively({
        allowH2: false,
        timeout: CONNECT_TIMEOUT_MS,
        rejectUnauthorized: insecureSkipTlsVerify !== true,
        ...(tls.caData === undefined ? {} : { ca: tls.caData }),
        ...(tls.certData === undefined ? {} : { cert: tls.certData }),
        ...(tls.keyData === undefined ? {} : { key: tls.keyData }),
        ...(tlsServerName === undefined ? {} : { servername: tlsServerName }),
      }),
    });
  }
}

/** Connects as undici does; the interval and the count of questions are beyond its options. */
function lively(options: buildConnector.BuildOptions): buildConnector.connector {
  const connect = buildConnector(options);
  return (target, callback) =>
    connect(target, (...args) => {
      args[1]?.setKeepAlive(KEEPALIVE);
      callback(...args);
    });
}

function isSameTls(a: TlsMaterial, b: TlsMaterial): boolean {
  return a.caData === b.caData && a.certData === b.certData && a.keyData === b.keyData;
}
