// What the API server says when it is not the authoriser that refuses a write but admission: a webhook, a policy, a
// quota, a limit range. Somebody will put that right without touching the object, so it is tried again within a minute.
import type { ApiErrorInit } from './errors.ts';

type Handling = Pick<ApiErrorInit, 'code' | 'reason' | 'retry'>;

/** The parts of an answer that tell. */
export interface Refusal {
  readonly statusCode: number;
  /** `reason` of the Status. */
  readonly reason: string;
  readonly message: string;
}

const RETRY = { backoffToMs: 60_000 } as const;
/** With failurePolicy Fail: the webhook could not be asked, or answered nonsense. */
const WEBHOOK_FAILED = /failed calling webhook "[^"]*"/;
const WEBHOOK_DENIED = /admission webhook "[^"]*" denied the request/;
const POLICY_DENIED = /ValidatingAdmissionPolicy '[^']*' with binding '[^']*' denied request/;
const QUOTA = /is forbidden: (?:(?:exceeded|failed) quota|status unknown for quota): /;
/** What the authoriser says, and what keeps people from granting rights that they lack. */
const NO_RIGHT = / cannot \S+ (?:resource|path) |is attempting to grant RBAC permissions/;

/** How a write is handled that admission did not let through; undefined where it was not admission. */
export function admissionKind({ statusCode, reason, message }: Refusal): Handling | undefined {
  if (statusCode >= 500) {
    if (!WEBHOOK_FAILED.test(message)) return undefined;
    return { code: 'API_WEBHOOK_FAILED', reason: 'AdmissionUnavailable', retry: RETRY };
  }
  if (statusCode === 403 && QUOTA.test(message)) {
    return { code: 'API_QUOTA_EXCEEDED', reason: 'QuotaExceeded', retry: RETRY };
  }
  const isOther = statusCode === 403 && reason === 'Forbidden' && !NO_RIGHT.test(message);
  if (!isOther && !WEBHOOK_DENIED.test(message) && !POLICY_DENIED.test(message)) return undefined;
  return { code: 'API_ADMISSION_DENIED', reason: 'AdmissionDenied', retry: RETRY };
}
