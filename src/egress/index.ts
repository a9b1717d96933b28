export {
  EgressGuard,
  type EgressGuardOptions,
  type EgressTarget,
  type Resolve,
  type ResolvedAddress,
} from './guard.ts';
export { isUrlHost } from './host-name.ts';
export {
  EgressHttp,
  type EgressHttpOptions,
  type EgressRequest,
  type EgressResponse,
  type EgressStream,
} from './http.ts';
export { EgressProxy } from './proxy.ts';
export { EgressError, EgressRules } from './rules.ts';
export type { TlsMaterial } from './sockets.ts';
export { type Trouble, type TroubleKind, troubleOf } from './trouble.ts';
