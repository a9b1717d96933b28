// What goes out to the API server, and what is known of it afterwards.
import type { JsonValue } from '../json/index.ts';
import type { CallRoute } from './errors.ts';
import type { ServiceAccountIdentity } from './identity.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | undefined;
  readonly contentType?: string;
  readonly accept?: string;
  /** A review or a dry run: nothing is stored, whatever the method. */
  readonly storesNothing?: boolean | undefined;
  /** Sent as `If-None-Match`; a 304 then answers without a value. */
  readonly etag?: string | undefined;
  readonly identity: ServiceAccountIdentity | undefined;
  readonly route: CallRoute;
}

export interface ApiAnswer {
  readonly statusCode: number;
  /** Undefined for 304. */
  readonly value: JsonValue | undefined;
  readonly etag: string | undefined;
  readonly contentType: string;
}

/** One finished request, for metrics. Of a watch: the time until its headers came. */
export interface CallRecord {
  readonly verb: string;
  /** `deployments.apps`, or a path without names. */
  readonly resource: string;
  /** HTTP status; 0 where no answer came. */
  readonly code: number;
  readonly durationMs: number;
  /** User name of the ServiceAccount that was impersonated; undefined for the operator itself. */
  readonly identity: string | undefined;
}
