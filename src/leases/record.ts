// What a Lease says, and how it is written.
import type { KubeObject, StringMap } from '../api/index.ts';
import { isJsonObject } from '../json/index.ts';

/** `spec` of a coordination.k8s.io Lease. Its times are for people: nothing is decided by them. */
export interface LeaseRecord {
  /** Empty where nobody holds it. */
  readonly holder: string;
  readonly durationMs: number;
  /** RFC 3339 with microseconds. */
  readonly acquireTime: string;
  readonly renewTime: string;
  /** How often the holder has changed. */
  readonly transitions: number;
}

/** One version of a Lease as the API server has it. */
export interface StoredLease {
  readonly resourceVersion: string;
  readonly record: LeaseRecord;
}

/** Where a Lease is, and what it carries besides its record. */
export interface LeaseAddress {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** @param defaultDurationMs of a Lease that names no duration */
export function storedLease(object: KubeObject, defaultDurationMs: number): StoredLease {
  const spec = isJsonObject(object['spec']) ? object['spec'] : {};
  const text = (name: string): string => {
    const value = spec[name];
    return typeof value === 'string' ? value : '';
  };
  const number = (name: string): number | undefined => {
    const value = Number(spec[name] ?? Number.NaN);
    return Number.isFinite(value) ? value : undefined;
  };
  const seconds = number('leaseDurationSeconds');
  return {
    resourceVersion: object.metadata.resourceVersion ?? '',
    record: {
      holder: text('holderIdentity'),
      durationMs: seconds === undefined ? defaultDurationMs : seconds * 1_000,
      acquireTime: text('acquireTime'),
      renewTime: text('renewTime'),
      transitions: number('leaseTransitions') ?? 0,
    },
  };
}

/** @param resourceVersion the only version that this may replace; undefined for a Lease that is to be created */
export function leaseObject(
  address: LeaseAddress,
  record: LeaseRecord,
  resourceVersion: string | undefined,
): KubeObject {
  const { namespace, name } = address;
  const labels: StringMap = { ...address.labels };
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace, name, labels, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
    spec: {
      holderIdentity: record.holder,
      leaseDurationSeconds: record.durationMs / 1_000,
      acquireTime: record.acquireTime,
      renewTime: record.renewTime,
      leaseTransitions: record.transitions,
    },
  };
}

/** RFC 3339 with microseconds; `micros` below 1000 tells two times of the same millisecond apart. */
export function microTime(wallMs: number, micros: number): string {
  return new Date(wallMs).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
}
