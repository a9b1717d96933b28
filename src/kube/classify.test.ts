import { describe, expect, it } from 'vitest';
import { ApplyConflictError, InvalidObjectError } from '../errors.ts';
import { errorFromAnswer, errorFromFrame } from './classify.ts';
import {
  ApiError,
  conflictSubject,
  deniedAccess,
  isAlreadyExists,
  isConflict,
  isCrdTerminating,
  isExpired,
  isForbidden,
  isKindNotServed,
  isNamespaceMissing,
  isNamespaceTerminating,
  isNotFound,
  isPatchRejected,
  isPreconditionFailed,
  isTooManyRequests,
} from './errors.ts';

interface Answer {
  readonly code: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: unknown;
  readonly verb?: string;
  readonly resource?: string;
  readonly retryAfter?: string;
}

function errorOf(answer: Answer): Error {
  const { code, reason, message = '', details = {} } = answer;
  return errorFromAnswer({
    statusCode: code,
    body: JSON.stringify({ kind: 'Status', status: 'Failure', code, reason, message, details }),
    retryAfter: answer.retryAfter,
    route: {
      verb: answer.verb ?? 'apply',
      resource: answer.resource ?? 'configmaps',
      namespace: 'shop',
      name: 'web',
    },
    nowMs: 0,
  });
}

const NAMED = { name: 'web', kind: 'configmaps' };

describe('404', () => {
  it('about a named object means that it does not exist', () => {
    const error = errorOf({ code: 404, reason: 'NotFound', details: NAMED, verb: 'get' });
    expect(isNotFound(error)).toBe(true);
    expect(isKindNotServed(error)).toBe(false);
  });

  it('in plain text says nothing about objects', () => {
    const route = { verb: 'get', resource: 'widgets.example.org', namespace: 'shop', name: 'web' };
    const body = '404 page not found\n';
    const error = errorFromAnswer({ statusCode: 404, body, retryAfter: undefined, route, nowMs: 0 });
    expect(isNotFound(error)).toBe(false);
    expect(isKindNotServed(error)).toBe(true);
  });

  it('that names no object says nothing about objects either', () => {
    const message = 'the server could not find the requested resource';
    const error = errorOf({ code: 404, reason: 'NotFound', message, verb: 'get' });
    expect(isNotFound(error)).toBe(false);
    expect(isKindNotServed(error)).toBe(true);
  });

  it('of a missing namespace is not about the object', () => {
    const error = errorOf({ code: 404, reason: 'NotFound', details: { name: 'shop', kind: 'namespaces' } });
    expect(isNotFound(error)).toBe(false);
    expect(isNamespaceMissing(error)).toBe(true);
    const own = { code: 404, reason: 'NotFound', details: { name: 'shop', kind: 'namespaces' } };
    expect(isNotFound(errorOf({ ...own, resource: 'namespaces' }))).toBe(true);
  });
});

describe('409', () => {
  it('of field managers names them and their fields', () => {
    const causes = [
      { reason: 'FieldManagerConflict', message: 'conflict with "pequod/shop/db"', field: '.data.x' },
      {
        reason: 'FieldManagerConflict',
        message: 'conflict with "we \\"quote\\"" using apps/v1',
        field: '.spec.replicas',
      },
    ];
    const error = errorOf({ code: 409, reason: 'Conflict', details: { causes } });
    expect(error).toBeInstanceOf(ApplyConflictError);
    expect(error instanceof ApplyConflictError && error.conflicts).toEqual([
      { manager: 'pequod/shop/db', field: '.data.x' },
      { manager: 'we "quote"', field: '.spec.replicas' },
    ]);
    expect(isConflict(error)).toBe(false);
  });

  it.each([
    ['uid mismatch: the provided object specified uid 1, and no existing object was found', 'uid'],
    ['the UID in the precondition (1) does not match the UID in record (2)', 'uid'],
    ['the ResourceVersion in the precondition (1) does not match', 'resourceVersion'],
    ['the object has been modified; please apply your changes to the latest version', 'resourceVersion'],
  ])('"%s" is about the %s', (words, subject) => {
    const message = `Operation cannot be fulfilled on configmaps "uid-mismatch": ${words}`;
    const error = errorOf({ code: 409, reason: 'Conflict', message, details: NAMED });
    expect(isConflict(error)).toBe(true);
    expect(conflictSubject(error)).toBe(subject);
  });

  it('of a taken name is no conflict', () => {
    const error = errorOf({ code: 409, reason: 'AlreadyExists', details: NAMED, verb: 'create' });
    expect(isAlreadyExists(error)).toBe(true);
    expect(isConflict(error)).toBe(false);
  });
});

describe('422', () => {
  it('names the field, without what a custom resource adds', () => {
    const causes = [
      { reason: 'FieldValueInvalid', message: 'Invalid value', field: '<nil>' },
      { reason: 'FieldValueRequired', message: 'Required value', field: 'spec.size' },
    ];
    const error = errorOf({ code: 422, reason: 'Invalid', details: { ...NAMED, causes } });
    expect(error instanceof InvalidObjectError && error.field).toBe('spec.size');
    expect(error.cause instanceof ApiError && error.cause.causes.map((cause) => cause.field)).toEqual([
      'spec.size',
    ]);
  });

  it('of the uid guard is a conflict about the uid', () => {
    const causes = [{ reason: 'FieldValueInvalid', message: 'field is immutable', field: 'metadata.uid' }];
    const error = errorOf({ code: 422, reason: 'Invalid', details: { ...NAMED, causes } });
    expect(conflictSubject(error)).toBe('uid');
    expect(isPreconditionFailed(error)).toBe(true);
  });

  it('of a JSON patch that does not fit asks to look again', () => {
    const message = 'the server rejected our request due to an error in our request';
    const error = errorOf({ code: 422, reason: 'Invalid', message, verb: 'jsonPatch' });
    expect(isPatchRejected(error)).toBe(true);
    expect(isPreconditionFailed(error)).toBe(true);
  });
});

describe('500', () => {
  it.each([
    [
      'failed to create typed patch object (/d; apps/v1, Kind=Deployment): .spec.bogus: field not declared in schema',
      '.spec.bogus',
    ],
    [
      'failed to create typed patch object (/a; /v1, Kind=ConfigMap): .data.x: expected string, got &value{1}',
      '.data.x',
    ],
    [
      'failed to create typed patch object (s/a; apps/v1, Kind=Deployment): errors:\n  .spec.a: bad\n  .spec.b: bad',
      '.spec.a',
    ],
    ['failed to convert new object (/s; /v1, Kind=Secret) to proper version: illegal base64 data', undefined],
  ])('"%s" is to blame on the object', (message, field) => {
    const error = errorOf({ code: 500, message });
    expect(error).toBeInstanceOf(InvalidObjectError);
    expect(error instanceof InvalidObjectError && error.field).toBe(field);
    // Soon at first: a CRD that has just changed, a server that was mistaken once.
    expect(error instanceof InvalidObjectError && error.retry).toEqual({ backoffToMs: 300_000 });
  });

  it('of any other kind is to blame on the server', () => {
    const error = errorOf({ code: 500, reason: 'InternalError', message: 'etcdserver: request timed out' });
    expect(error instanceof ApiError && error.code).toBe('API_SERVER_ERROR');
    expect(error instanceof ApiError && error.retry).toBe('backoff');
  });
});

describe('other answers', () => {
  it('carry what the server asks us to wait', () => {
    const error = errorOf({ code: 429, reason: 'TooManyRequests', retryAfter: '3' });
    expect(isTooManyRequests(error) && error.retry).toEqual({ afterMs: 3_000 });
    // Never as fast as the server can answer.
    const atOnce = errorOf({ code: 429, reason: 'TooManyRequests', retryAfter: '0' });
    expect(isTooManyRequests(atOnce) && atOnce.retry).toEqual({ afterMs: 1_000 });
  });

  it('say what is forbidden', () => {
    const message =
      'deployments.apps "web" is forbidden: User "system:serviceaccount:shop:x" cannot create resource "deployments" in API group "apps" in the namespace "shop"';
    const error = errorOf({ code: 403, reason: 'Forbidden', message, details: NAMED });
    expect(isForbidden(error) && deniedAccess(error)).toEqual({
      verb: 'create',
      group: 'apps',
      resource: 'deployments',
      namespace: 'shop',
      name: 'web',
    });
  });

  it('tell apart the refusals that pass by themselves', () => {
    const causes = [
      {
        reason: 'NamespaceTerminating',
        message: 'namespace shop is being terminated',
        field: 'metadata.namespace',
      },
    ];
    const ending = errorOf({ code: 403, reason: 'Forbidden', details: { ...NAMED, causes } });
    expect([isNamespaceTerminating(ending), isForbidden(ending)]).toEqual([true, false]);
    const message = 'create not allowed while custom resource definition is terminating';
    const kindEnding = errorOf({ code: 403, reason: 'Forbidden', message });
    expect([isCrdTerminating(kindEnding), isForbidden(kindEnding)]).toEqual([true, false]);
  });

  it('never quote the content of a Secret', () => {
    const typed = errorOf({
      code: 500,
      resource: 'secrets',
      message:
        'failed to create typed patch object (/s; /v1, Kind=Secret): .stringData.x: expected string, got &{hunter2}',
    });
    const causes = [{ reason: 'FieldValueInvalid', message: 'Invalid value: "hunter2"', field: 'data[x]' }];
    const message = 'Secret "s" is invalid: data[x]: Invalid value: "hunter2"';
    const invalid = errorOf({
      code: 422,
      reason: 'Invalid',
      resource: 'secrets',
      message,
      details: { ...NAMED, causes },
    });
    for (const error of [typed, invalid]) {
      const said = [error.message, JSON.stringify(error.cause), String(error.cause)].join();
      expect(said).not.toContain('hunter2');
      expect(said).toContain('x');
    }
  });

  it('have short messages of one line', () => {
    const error = errorOf({
      code: 422,
      reason: 'Invalid',
      message: `bad\n${'x'.repeat(10_000)}`,
      details: NAMED,
    });
    expect(error.message.length).toBeLessThan(700);
    expect(error.message).not.toContain('\n');
  });
});

describe('what admission refuses', () => {
  const SOON = { backoffToMs: 60_000 };
  const forbidden = (words: string): Answer => ({
    code: 403,
    reason: 'Forbidden',
    message: `configmaps "web" is forbidden: ${words}`,
    details: NAMED,
  });

  it.each<[string, Answer, string]>([
    [
      'a webhook that is down',
      {
        code: 500,
        reason: 'InternalError',
        message:
          'Internal error occurred: failed calling webhook "w.example.com": failed to call webhook: Post "https://…": connect: connection refused',
      },
      'API_WEBHOOK_FAILED',
    ],
    [
      'a webhook that says no',
      {
        code: 400,
        reason: 'BadRequest',
        message: 'admission webhook "w.example.com" denied the request: no',
      },
      'API_ADMISSION_DENIED',
    ],
    [
      'a webhook that says no as an authoriser would',
      {
        code: 403,
        reason: 'Forbidden',
        message: 'admission webhook "w.example.com" denied the request: User "x" cannot get resource "y"',
      },
      'API_ADMISSION_DENIED',
    ],
    [
      'a policy',
      {
        code: 422,
        reason: 'Invalid',
        message: `configmaps "web" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no`,
      },
      'API_ADMISSION_DENIED',
    ],
    [
      'a quota',
      forbidden('exceeded quota: few, requested: configmaps=1, used: configmaps=2'),
      'API_QUOTA_EXCEEDED',
    ],
    [
      'a limit range',
      forbidden('maximum cpu usage per Container is 1, but limit is 2'),
      'API_ADMISSION_DENIED',
    ],
  ])('%s: is no lack of rights and no fault of the object', (_who, answer, code) => {
    for (const verb of ['apply', 'delete']) {
      const error = errorOf({ ...answer, verb });
      expect(error instanceof ApiError && [error.code, error.retry]).toEqual([code, SOON]);
      expect(isForbidden(error)).toBe(false);
    }
  });

  it('is told from missing rights, also from those that nobody can pass on', () => {
    const grant = forbidden(
      'user "x" (groups=[]) is attempting to grant RBAC permissions not currently held',
    );
    const denied = forbidden(
      'User "x" cannot patch resource "configmaps" in API group "" in the namespace "shop"',
    );
    for (const answer of [grant, denied]) expect(isForbidden(errorOf(answer))).toBe(true);
    expect(isForbidden(errorOf({ ...forbidden('whatever'), verb: 'list' }))).toBe(true);
  });
});

describe('error frames', () => {
  const route = { verb: 'watch', resource: 'configmaps' };

  it('are what their status says', () => {
    const gone = errorFromFrame({ kind: 'Status', code: 410, reason: 'Expired', message: 'too old' }, route);
    expect(isExpired(gone)).toBe(true);
    const busy = errorFromFrame({ kind: 'Status', code: 429, details: { retryAfterSeconds: 2 } }, route);
    expect(isTooManyRequests(busy) && busy.retryAfterMs).toBe(2_000);
  });

  it.each([
    [31_536_000, 3_600_000],
    [1e300, 3_600_000],
    [0.001, 1_000],
  ])('that ask to wait %d s are met for a second at least, and for an hour at most', (seconds, expected) => {
    const details = { retryAfterSeconds: seconds };
    const frame = errorFromFrame({ kind: 'Status', code: 429, details }, route);
    expect(isTooManyRequests(frame) && frame.retryAfterMs).toBe(expected);
    const answer = errorOf({ code: 429, details });
    expect(isTooManyRequests(answer) && answer.retryAfterMs).toBe(expected);
  });

  it('without a status are server errors', () => {
    const error = errorFromFrame({ anything: true }, route);
    expect(error.code).toBe('API_SERVER_ERROR');
  });
});
