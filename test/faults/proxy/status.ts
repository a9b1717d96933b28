// Answers and frames that an API server gives on a bad day, in its own words.
import { type JsonObject, stringifyJson } from '../../../src/json/index.ts';
import type { FaultStatus, SeenCall } from './types.ts';

const REASONS: Readonly<Record<FaultStatus | 410, readonly [reason: string, message: string]>> = {
  409: [
    'Conflict',
    'the object has been modified; please apply your changes to the latest version and try again',
  ],
  410: ['Expired', 'too old resource version: 1 (2)'],
  422: ['Invalid', 'the server rejected our request due to an error in our request'],
  429: ['TooManyRequests', 'too many requests, please try again later'],
  500: ['InternalError', 'Internal error occurred: etcdserver: leader changed'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: ['Timeout', 'request did not complete within requested timeout - context deadline exceeded'],
};

/** The `Status` object for an answer that has this code. */
export function statusOf(code: FaultStatus | 410, call: SeenCall, retryAfterSeconds?: number): JsonObject {
  const [reason, message] = REASONS[code];
  const [plural = '', ...group] = call.resource.split('.');
  const details: JsonObject = {
    ...(call.name === undefined ? {} : { name: call.name }),
    ...(group.length === 0 ? {} : { group: group.join('.') }),
    kind: plural,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    details,
    code,
  };
}

/** The frame with which a watch says that it can't go on. */
export function errorFrame(code: 410 | 429 | 500, call: SeenCall): string {
  return `${stringifyJson({ type: 'ERROR', object: statusOf(code, call) })}\n`;
}
