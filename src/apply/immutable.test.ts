import { describe, expect, it } from 'vitest';
import { errorFromAnswer } from '../kube/classify.ts';
import { immutableFields } from './immutable.ts';

interface Cause {
  readonly reason?: string;
  readonly field: string;
  readonly message: string;
}

function refusal(
  causes: readonly Cause[],
  resource: string = 'jobs.batch',
  statusCode: number = 422,
): unknown {
  const reason = 'FieldValueInvalid';
  const details = { name: 'one', kind: 'Job', causes: causes.map((cause) => ({ reason, ...cause })) };
  const body = { kind: 'Status', code: statusCode, reason: 'Invalid', message: 'is invalid', details };
  return errorFromAnswer({
    statusCode,
    body: JSON.stringify(body),
    retryAfter: undefined,
    route: { verb: 'apply', resource, namespace: 'shop', name: 'one' },
    nowMs: 0,
  });
}

describe('fields that can not be changed', () => {
  it.each([
    ['Invalid value: {"matchLabels":{"a":"c"}}: field is immutable', 'FieldValueInvalid'],
    ['Invalid value: ["None"]: may not change once set', 'FieldValueInvalid'],
    ['Invalid value: {"Name":"edit"}: cannot change roleRef', 'FieldValueInvalid'],
    ['Invalid value: failed rule: self.k == oldSelf.k', 'FieldValueInvalid'],
    ['Invalid value: failed rule: oldSelf.k == self.k', 'FieldValueInvalid'],
    [
      "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
      'FieldValueForbidden',
    ],
    [
      'Forbidden: spec is immutable after creation except resources.requests @@ -1,6 +1,6 @@ {',
      'FieldValueForbidden',
    ],
    ['Forbidden: pod updates may not change fields other than `spec.tolerations`', 'FieldValueForbidden'],
  ])('are told by %s', (message, reason) => {
    expect(immutableFields(refusal([{ field: 'spec.x', message, reason }]))).toEqual(['spec.x']);
  });

  it('are told though the value before the words is very long', () => {
    const message = `Invalid value: {"spec":"${'x'.repeat(5_000)}"}: field is immutable`;
    expect(immutableFields(refusal([{ field: 'spec.template', message }]))).toEqual(['spec.template']);
  });

  it('of a Secret are told by the field, since its words are not passed on', () => {
    const causes = [{ field: 'type', message: 'Invalid value: "a": field is immutable' }];
    expect(immutableFields(refusal(causes, 'secrets'))).toEqual(['type']);
  });
});

describe('other refusals', () => {
  it.each([
    'Invalid value: -1: must be greater than or equal to 0',
    'Invalid value: failed rule: self.size >= oldSelf.size',
    // The words are in the value, not in what is said of it.
    'Invalid value: "this is immutable": must match [a-z]+',
    'Invalid value: {"note":"may not change: ever"}: must be a number',
  ])('are not told apart by their value: %s', (message) => {
    expect(immutableFields(refusal([{ field: 'spec.x', message }]))).toEqual([]);
  });

  it('of another code are none', () => {
    const causes = [{ field: 'spec.x', message: 'field is immutable' }];
    expect(immutableFields(refusal(causes, 'jobs.batch', 400))).toEqual([]);
    expect(immutableFields(new Error('field is immutable'))).toEqual([]);
  });
});
