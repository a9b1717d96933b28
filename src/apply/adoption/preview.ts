// What an adoption would do to an object, from what is there. Pure: used before the takeover, and by a plan.
import type { KubeObject } from '../../api/index.ts';
import { FIELD_MANAGER_PREFIX, RELEASED_FIELD_MANAGER } from '../../api/index.ts';
import type { FieldConflict } from '../../errors.ts';
import type { JsonObject } from '../../json/index.ts';
import { isGraphManager, isNobody } from '../conflict.ts';
import { ownedPaths, splitFields } from '../fields/index.ts';
import { originOf } from '../origin.ts';
import type { GraphOwner } from '../stamp.ts';
import { describeManager, type Share, shareOf } from './managers.ts';

/** A manager that holds fields of the object now. */
export interface HeldShare {
  readonly name: string;
  /** `kubectl-client-side-apply (Update)`. */
  readonly manager: string;
  readonly share: Share;
  /** Its fields that the node states, as the API server names them. */
  readonly stated: readonly string[];
  /** Its fields that go: neither the node nor another manager states them. Defaults of the API server come back. */
  readonly dropped: readonly string[];
}

export interface AdoptionPreview {
  /** True where it is ours already, so that there is nothing to adopt. */
  readonly isOurs: boolean;
  /** `<namespace>/<name>` of the Transform that has the object; adoption is refused then. */
  readonly ownedBy?: string;
  /** It is on its way out: adoption waits until it is gone. */
  readonly isTerminating: boolean;
  /** A graph had it and let it go. */
  readonly wasReleased: boolean;
  readonly holders: readonly HeldShare[];
}

/**
 * What adopting `live` for a node that sends `sent` would meet and do. Which values differ is not said here: that the
 * API server says in the conflicts of a dry-run (see {@link previousManagersOf}).
 */
export function previewAdoption(live: KubeObject, sent: KubeObject, owner: GraphOwner): AdoptionPreview {
  const entries = (live.metadata.managedFields ?? []).filter(({ manager }) => manager !== owner.manager);
  const other = entries.find(
    ({ manager = '', operation }) => operation === 'Apply' && isGraphManager(manager),
  )?.manager;
  const others = entries.filter((entry) => shareOf(entry, sent.apiVersion) !== 'whole');
  const kept = new Set(others.flatMap(({ fieldsV1 }) => pathsOf(fieldsV1)));
  const goes = (path: string): boolean => !path.startsWith('.status') && !kept.has(path);
  const holders = entries
    .filter(({ subresource }) => (subresource ?? '') === '')
    .map((entry): HeldShare => {
      const share = shareOf(entry, sent.apiVersion);
      const { stated, rest } = splitFields(entry.fieldsV1 ?? {}, sent);
      return {
        name: entry.manager ?? '',
        manager: describeManager(entry),
        share,
        stated: pathsOf(stated),
        dropped: share === 'whole' ? pathsOf(rest).filter(goes) : [],
      };
    });
  return {
    isOurs: originOf(live, owner) !== 'Found',
    ...(other === undefined ? {} : { ownedBy: other.slice(FIELD_MANAGER_PREFIX.length) }),
    isTerminating: live.metadata.deletionTimestamp !== undefined,
    wasReleased: entries.some(({ manager }) => manager === RELEASED_FIELD_MANAGER),
    holders,
  };
}

function pathsOf(fields: JsonObject | undefined): readonly string[] {
  return fields === undefined ? [] : ownedPaths(fields);
}

/** All fields that go with the adoption. */
export function droppedBy({ holders }: AdoptionPreview): readonly string[] {
  return [...new Set(holders.flatMap(({ dropped }) => dropped))];
}

/** Longest line, and most lines, of what is said about managers. */
const MAX_LINE = 256;
const MAX_LINES = 32;

/**
 * Who held fields of an object, for people: `kubectl-client-side-apply (Update)`, with the fields that had other values
 * behind a colon. What is held for nobody has no manager.
 */
export function previousManagersOf(
  preview: AdoptionPreview,
  conflicts: readonly FieldConflict[],
): readonly string[] {
  const holders = preview.holders.filter(({ name }) => !isNobody(name));
  const lines = holders.map(({ manager, name }) => {
    const fields = conflicts.filter((conflict) => conflict.manager === name).map(({ field }) => field);
    const line = fields.length === 0 ? manager : `${manager}: ${[...new Set(fields)].join(', ')}`;
    return line.length <= MAX_LINE ? line : `${line.slice(0, MAX_LINE - 1)}…`;
  });
  return [...new Set(lines)].slice(0, MAX_LINES);
}

/**
 * Who had an object before, when it is looked at once more: who is found now has a newer line, the others keep theirs.
 */
export function joinManagers(known: readonly string[], found: readonly string[]): readonly string[] {
  const managerOf = (line: string): string | undefined => line.split(': ', 1)[0];
  const news = new Set(found.map(managerOf));
  return [...known.filter((line) => !news.has(managerOf(line))), ...found].slice(0, MAX_LINES);
}
