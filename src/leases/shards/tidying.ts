// Leases that nobody needs any more: what replicas leave behind that ended or were killed.
import { messageOf } from '../../errors.ts';
import { LEASES, type OperatorClient } from '../../kube/index.ts';
import type { Logger } from '../../observability/index.ts';
import type { LeaseHolder } from '../holder.ts';
import type { Sighting } from './sightings.ts';

export interface TidyingOptions {
  readonly client: OperatorClient;
  readonly namespace: string;
  readonly log: Logger;
}

/** Deletes each version that it is told of once; what fails is left to the next replica. */
export class Tidying {
  readonly #options: TidyingOptions;
  /** Versions that have been deleted. */
  readonly #done = new Set<string>();

  constructor(options: TidyingOptions) {
    this.#options = options;
  }

  /** Deletes what was left behind, unless somebody has written to it meanwhile. */
  sweep(leftovers: readonly Sighting[], signal: AbortSignal): void {
    const { client, log, namespace } = this.#options;
    for (const { name, resourceVersion } of leftovers) {
      if (this.#done.has(resourceVersion)) continue;
      this.#done.add(resourceVersion);
      const options = { propagationPolicy: 'Background', resourceVersion } as const;
      client.delete(LEASES, { namespace, name }, options, signal).catch((error: unknown) => {
        log.debug({ lease: name, problem: messageOf(error) }, 'lease that was left behind is still there');
      });
    }
  }

  /** Gives back and deletes the Lease by which this replica says that it lives. */
  async leave(member: LeaseHolder, limitMs: number): Promise<void> {
    await member.release();
    member.stop();
    const { client, namespace, log } = this.#options;
    const key = { namespace, name: member.name };
    try {
      const limit = AbortSignal.timeout(limitMs);
      await client.delete(LEASES, key, { propagationPolicy: 'Background' }, limit);
    } catch (error) {
      // It names nobody any more; another replica sweeps it away.
      log.debug({ lease: member.name, problem: messageOf(error) }, 'own lease was not deleted');
    }
  }
}
