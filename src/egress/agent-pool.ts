import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Agent } from 'undici';
import type { TlsMaterial } from './sockets.ts';

/** Sets of TLS material whose connections are kept at one time. */
const MAX_AGENTS = 64;
const NO_MATERIAL = '';

/** One agent, with its own connections, for each set of TLS material. Those used longest ago go first. */
export class AgentPool {
  readonly #create: (material: TlsMaterial | undefined) => Agent;
  readonly #leaving = new Set<Promise<void>>();
  readonly #agents: LRUCache<string, Agent>;

  constructor(create: (material: TlsMaterial | undefined) => Agent) {
    this.#create = create;
    this.#agents = new LRUCache({ max: MAX_AGENTS, dispose: (agent) => this.#release(agent) });
  }

  of(material: TlsMaterial | undefined): Agent {
    const key = material === undefined ? NO_MATERIAL : hashOf(material);
    const known = this.#agents.get(key);
    if (known !== undefined) return known;
    const agent = this.#create(material);
    this.#agents.set(key, agent);
    return agent;
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    const agents = [...this.#agents.values()];
    await Promise.all(agents.map((agent) => agent.destroy()));
    this.#agents.clear();
    await Promise.all(this.#leaving);
  }

  /** Requests that are under way end in their own time. */
  #release(agent: Agent): void {
    if (agent.closed || agent.destroyed) return;
    const leaving = agent.close().finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }
}

function hashOf({ ca, cert, key }: TlsMaterial): string {
  return createHash('sha256')
    .update(JSON.stringify([ca ?? null, cert ?? null, key ?? null]))
    .digest('base64');
}
