export {
  EgressGuard,
  type EgressGuardOptions,
  type EgressTarget,
  type Resolve,
  type ResolvedAddress,
  type TlsMaterial,
} from './guard.ts';
export { EgressHttp, type EgressRequest, type EgressResponse } from './http.ts';
export { EgressError, EgressRules } from './rules.ts';
