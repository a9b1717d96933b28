// The history of a Transform as its ControllerRevisions tell it: names, numbers, and which of them go. Pure.
//
// A number is never used for two graphs: the next one is above every number that was issued or is found, and the running
// graph carries its own, so that neither a crash nor the deletion of all revisions makes a number free again.
import { createHash } from 'node:crypto';
import {
  API_GROUP,
  CANDIDATE_LABEL,
  type KubeObject,
  READY_LABEL,
  RENDER_HASH_ANNOTATION,
  REVISION_LABEL,
  TRANSFORM_KIND,
  TRANSFORM_UID_LABEL,
} from '../api/index.ts';

/** Of a name that an object may have, so that hash and number fit. */
const MAX_NAME_PART = 200;
const MAX_NUMBER_DIGITS = 9;

export const DEFAULT_HISTORY_LIMIT = 10;

/** The Transform that revisions belong to. */
export interface RevisionOwner {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** A revision without its content. */
export interface RevisionEntry {
  readonly number: number;
  /** Of the ControllerRevision. */
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly renderHash: string | undefined;
  /** Its graph was Ready at some time. */
  readonly wasReady: boolean;
}

/**
 * The name of a revision: the Transform's, shortened, a hash of its uid, the number. Neither another Transform of that
 * name, now or later, nor a StatefulSet's own revisions can have it.
 */
export function revisionName(owner: RevisionOwner, number: number): string {
  return `${namePrefix(owner)}-${number}`;
}

/** The name of a planned graph: the same content has the same name. */
export function candidateName(owner: RevisionOwner, renderHash: string): string {
  return `${namePrefix(owner)}-plan-${shortHash(renderHash)}`;
}

function namePrefix({ name, uid }: RevisionOwner): string {
  return `${name.slice(0, MAX_NAME_PART).replace(/[^a-z0-9]+$/, '')}-${shortHash(uid)}`;
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}

/** The entry of a revision in the Transform's history; undefined for whatever else carries the labels. */
export function entryOf(owner: RevisionOwner, object: KubeObject): RevisionEntry | undefined {
  const { name, uid, resourceVersion, labels, annotations } = object.metadata;
  const number = numberIn(labels?.[REVISION_LABEL]);
  if (number === undefined || uid === undefined || resourceVersion === undefined) return undefined;
  if (!isOwnedBy(owner, object) || labels?.[CANDIDATE_LABEL] !== undefined) return undefined;
  return {
    number,
    name,
    uid,
    resourceVersion,
    renderHash: annotations?.[RENDER_HASH_ANNOTATION],
    wasReady: labels?.[READY_LABEL] === 'true',
  };
}

/** True where this very Transform controls the object, and it says so in its label as well. */
export function isOwnedBy(owner: RevisionOwner, { metadata }: KubeObject): boolean {
  const controller = metadata.ownerReferences?.find((reference) => reference.controller === true);
  return (
    metadata.labels?.[TRANSFORM_UID_LABEL] === owner.uid &&
    controller?.uid === owner.uid &&
    controller.kind === TRANSFORM_KIND &&
    controller.apiVersion.startsWith(`${API_GROUP}/`)
  );
}

function numberIn(text: string | undefined): number | undefined {
  if (text === undefined || text.length > MAX_NUMBER_DIGITS || !/^[1-9]\d*$/.test(text)) return undefined;
  return Number(text);
}

/** The number that comes after everything that was issued. */
export function nextNumber(
  history: readonly Pick<RevisionEntry, 'number'>[],
  ...issued: readonly (number | undefined)[]
): number {
  const known = issued.filter((number) => number !== undefined);
  return Math.max(0, ...known, ...history.map(({ number }) => number)) + 1;
}

/** The revisions that were ever Ready, besides this one, newest first. */
export function readyOnes(
  history: readonly RevisionEntry[],
  besides: number | undefined,
): readonly RevisionEntry[] {
  return history
    .filter(({ number, wasReady }) => wasReady && number !== besides)
    .sort((a, b) => b.number - a.number);
}

/**
 * What has to go so that `limit` are left, oldest first. The newest that was ever Ready stays whatever the limit is, and
 * so do those in `kept`, which count as running.
 */
export function surplus(
  history: readonly RevisionEntry[],
  limit: number,
  kept: ReadonlySet<number>,
): readonly RevisionEntry[] {
  const spared = readyOnes(history, undefined)[0]?.number;
  const counted = history.filter(({ number }) => !kept.has(number)).sort((a, b) => a.number - b.number);
  const excess = Math.max(0, counted.length - limit);
  return counted.filter(({ number }) => number !== spared).slice(0, excess);
}
