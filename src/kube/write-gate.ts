// Whether a request may leave the process. A process that shares its work with others and has lost its part of it, or
// can't prove any more that it still has it, must store nothing: others work on it by now. Asked right before the request
// is handed to the socket, so that a process that was stopped in between and wakes up is asked, too.
// - Reads, reviews and dry runs store nothing and always pass.
// - The operator's own Lease calls always pass: they are how the right to write is had, and the API server judges them by
//   resourceVersion. A Lease of a tenant's graph is an object like any other.
import { PequodError } from '../errors.ts';
import { LEASES } from './known-resources.ts';
import { resourceLabel } from './resource.ts';
import type { ApiRequest } from './transport.ts';

/** This process may not write now. Nothing was sent: unlike after a {@link TransportError}, the write did not land. */
export class NotLeaderError extends PequodError {
  constructor(message: string) {
    // Where the right comes back without anybody noticing, the queue must: a key that is not ours any more it drops.
    super(message, { code: 'NOT_LEADER', reason: 'NotLeader', retry: 'backoff' });
  }
}

const LEASE_RESOURCE = resourceLabel(LEASES);

/** The operator's calls about its Leases. */
export function isLeaseCall({ identity, route }: Pick<ApiRequest, 'identity' | 'route'>): boolean {
  return identity === undefined && route.resource === LEASE_RESOURCE;
}

/** Whether the write gate is asked for this request. */
export function isGated(
  request: Pick<ApiRequest, 'identity' | 'method' | 'route' | 'storesNothing'>,
): boolean {
  return request.method !== 'GET' && request.storesNothing !== true && !isLeaseCall(request);
}
