// What an informer knows. Three versions of an object may differ for a moment:
// - base: what the watch said last;
// - overlay: the answer to a write of our own that the watch has not delivered yet. It is what readers see, so that a
//   pass right after a write does not act on the state before it;
// - told: what handlers were told last; changes are announced against it.
// An overlay ends with its echo (the watch event with its resourceVersion), with a list that began after it, with the
// object's deletion, or when the watch has gone on for so long that the echo can't be coming. resourceVersions are only
// ever compared for equality.
import { LRUCache } from 'lru-cache';
import type { ObjectKey } from './resource.ts';

/** One version of an object, as projected. */
export interface Version<T> {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly value: T;
}

export type InformerEvent<T> =
  | {
      readonly type: 'set';
      readonly key: ObjectKey;
      readonly current: T;
      /** What was told before; undefined for an object that is new. */
      readonly previous: T | undefined;
      /** The watch brought a write of our own, as it had been answered. */
      readonly isOwnEcho: boolean;
      /** A list brought it, the first or one after a break: it may have changed long ago. */
      readonly isFromList: boolean;
    }
  | {
      readonly type: 'deleted';
      readonly key: ObjectKey;
      readonly current: undefined;
      readonly previous: T;
      readonly isOwnEcho: false;
      readonly isFromList: boolean;
    };

/** Index name → the values under which an object is found. */
export type Indexes<T> = Readonly<Record<string, (value: T) => readonly string[]>>;

export interface ObjectStoreOptions<T> {
  readonly indexes?: Indexes<T> | undefined;
  /** True where a change concerns nobody: handlers are not called for it. */
  readonly isEqual?: ((a: T, b: T) => boolean) | undefined;
}

interface Overlay<T> {
  readonly version: Version<T>;
  readonly setAtMs: number;
  readonly listCount: number;
}

interface Slot<T> {
  readonly id: string;
  readonly key: ObjectKey;
  base: Version<T> | undefined;
  overlay: Overlay<T> | undefined;
  told: Version<T> | undefined;
  indexed: Version<T> | undefined;
}

const RECENT_PER_KEY = 8;
const RECENT_KEYS = 4096;

function idOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

export class ObjectStore<T> {
  readonly #options: ObjectStoreOptions<T>;
  readonly #slots: Map<string, Slot<T>> = new Map();
  readonly #overlaid: Set<Slot<T>> = new Set();
  /** By index, then by value. */
  readonly #indexes: Map<string, Map<string, Set<Slot<T>>>> = new Map();
  /** resourceVersions that were superseded lately, also of objects that are gone. */
  readonly #recent: LRUCache<string, readonly string[]> = new LRUCache({ max: RECENT_KEYS });
  #listCount = 0;
  #isListing = false;

  constructor(options: ObjectStoreOptions<T>) {
    this.#options = options;
    for (const name of Object.keys(options.indexes ?? {})) this.#indexes.set(name, new Map());
  }

  get(namespace: string | undefined, name: string): T | undefined {
    const slot = this.#slots.get(idOf(namespace, name));
    return slot === undefined ? undefined : visible(slot)?.value;
  }

  /** Whether this version has been here: it is what readers see, or it was superseded. */
  hasSeen(namespace: string | undefined, name: string, uid: string, resourceVersion: string): boolean {
    const id = idOf(namespace, name);
    const slot = this.#slots.get(id);
    const known = [slot?.base, slot?.overlay?.version];
    if (known.some((each) => each?.uid === uid && each.resourceVersion === resourceVersion)) return true;
    return this.#recent.get(id)?.includes(resourceVersion) === true;
  }

  /** Keys of all objects that the watch knows. */
  keys(): readonly ObjectKey[] {
    return [...this.#slots.values()].filter(({ base }) => base !== undefined).map(({ key }) => key);
  }

  /** How many objects the watch knows. */
  get size(): number {
    return this.#slots.size;
  }

  values(): readonly T[] {
    return [...this.#slots.values()].flatMap(shown);
  }

  /** @throws RangeError for an index that was not declared. */
  byIndex(index: string, value: string): readonly T[] {
    const byValue = this.#indexes.get(index);
    if (byValue === undefined) throw new RangeError(`no index ${index}`);
    return [...(byValue.get(value) ?? [])].flatMap(shown);
  }

  /** The watch or a list shows this version. */
  set(key: ObjectKey, version: Version<T>): readonly InformerEvent<T>[] {
    const slot = this.#slotOf(key);
    const { base, overlay } = slot;
    if (base !== undefined && isSame(base, version)) return [];
    if (base !== undefined) this.#remember(slot.id, base.resourceVersion);
    slot.base = version;
    const isOwnEcho = overlay !== undefined && isSame(overlay.version, version);
    if (isOwnEcho) this.#dropOverlay(slot);
    return this.#settle(slot, isOwnEcho);
  }

  /** The watch shows that the object is gone, or not selected any more. */
  delete(key: ObjectKey, uid: string, resourceVersion: string): readonly InformerEvent<T>[] {
    const id = idOf(key.namespace, key.name);
    this.#remember(id, resourceVersion);
    const slot = this.#slots.get(id);
    if (slot === undefined) return [];
    if (slot.base !== undefined) this.#remember(id, slot.base.resourceVersion);
    slot.base = undefined;
    if (slot.overlay?.version.uid === uid) this.#dropOverlay(slot);
    return this.#settle(slot, false);
  }

  /**
   * The answer to a write of our own. Nobody is told; readers see it at once.
   * @returns whether the watch has yet to bring it
   */
  observeOwnWrite(key: ObjectKey, version: Version<T>, nowMs: number): boolean {
    const id = idOf(key.namespace, key.name);
    const base = this.#slots.get(id)?.base;
    if (base !== undefined && isSame(base, version)) return false;
    if (this.#recent.get(id)?.includes(version.resourceVersion) === true) return false;
    const slot = this.#slotOf(key);
    slot.overlay = { version, setAtMs: nowMs, listCount: this.#listCount };
    this.#overlaid.add(slot);
    this.#reindex(slot);
    return true;
  }

  /** What was read of a version that may be known already: its value replaces the known one. Nobody is told. */
  observeAgain(key: ObjectKey, version: Version<T>, nowMs: number): void {
    const slot = this.#slots.get(idOf(key.namespace, key.name));
    const { base, overlay } = slot ?? {};
    if (slot !== undefined && overlay !== undefined && isSame(overlay.version, version)) {
      slot.overlay = { ...overlay, version };
    } else if (slot !== undefined && base !== undefined && isSame(base, version)) {
      slot.base = version;
    } else {
      this.observeOwnWrite(key, version, nowMs);
      return;
    }
    this.#reindex(slot);
  }

  /** A list begins: writes that were answered before are in it. */
  beginList(): void {
    this.#listCount += 1;
    this.#isListing = true;
  }

  /** The list is complete: what it did not hold is gone. */
  endList(isListed: (namespace: string | undefined, name: string) => boolean): readonly InformerEvent<T>[] {
    const events: InformerEvent<T>[] = [];
    for (const slot of [...this.#slots.values()]) {
      const { key, base, overlay } = slot;
      const isMissing = base !== undefined && !isListed(key.namespace, key.name);
      const isOutdated = overlay !== undefined && overlay.listCount < this.#listCount;
      if (!isMissing && !isOutdated) continue;
      if (isMissing) {
        this.#remember(slot.id, base.resourceVersion);
        slot.base = undefined;
      }
      if (isOutdated) this.#dropOverlay(slot);
      events.push(...this.#settle(slot, false));
    }
    this.#isListing = false;
    return events;
  }

  /** The watch is alive and well past this time: echoes of earlier writes are not coming any more. */
  dropOverlaysBefore(timeMs: number): readonly InformerEvent<T>[] {
    const outdated = [...this.#overlaid].filter((slot) => (slot.overlay?.setAtMs ?? 0) < timeMs);
    return outdated.flatMap((slot) => {
      this.#dropOverlay(slot);
      return this.#settle(slot, false);
    });
  }

  #slotOf(key: ObjectKey): Slot<T> {
    const id = idOf(key.namespace, key.name);
    const known = this.#slots.get(id);
    if (known !== undefined) return known;
    const slot = { id, key, base: undefined, overlay: undefined, told: undefined, indexed: undefined };
    this.#slots.set(id, slot);
    return slot;
  }

  #dropOverlay(slot: Slot<T>): void {
    slot.overlay = undefined;
    this.#overlaid.delete(slot);
  }

  #remember(id: string, resourceVersion: string): void {
    const recent = this.#recent.get(id) ?? [];
    this.#recent.set(id, [...recent, resourceVersion].slice(-RECENT_PER_KEY));
  }

  /** Brings indexes in line and says what handlers have to hear. */
  #settle(slot: Slot<T>, isOwnEcho: boolean): readonly InformerEvent<T>[] {
    this.#reindex(slot);
    // What comes before the echo is older than what readers see already.
    if (slot.overlay !== undefined) return [];
    const isFromList = this.#isListing;
    const { key, told, base } = slot;
    slot.told = base;
    if (base === undefined) {
      this.#slots.delete(slot.id);
      return told === undefined ? [] : [deletedEvent(key, told, isFromList)];
    }
    if (told === undefined) return [setEvent(key, base, undefined, isOwnEcho, isFromList)];
    if (told.uid !== base.uid)
      return [deletedEvent(key, told, isFromList), setEvent(key, base, undefined, isOwnEcho, isFromList)];
    if (told === base || this.#options.isEqual?.(told.value, base.value) === true) return [];
    return [setEvent(key, base, told, isOwnEcho, isFromList)];
  }

  #reindex(slot: Slot<T>): void {
    const next = visible(slot);
    const before = slot.indexed;
    if (next === before) return;
    slot.indexed = next;
    for (const [name, valuesOf] of Object.entries(this.#options.indexes ?? {})) {
      const byValue = this.#indexes.get(name);
      if (byValue === undefined) continue;
      if (before !== undefined) removeFrom(byValue, valuesOf(before.value), slot);
      if (next !== undefined) addTo(byValue, valuesOf(next.value), slot);
    }
  }
}

function visible<T>(slot: Slot<T>): Version<T> | undefined {
  return slot.overlay?.version ?? slot.base;
}

function shown<T>(slot: Slot<T>): readonly T[] {
  const version = visible(slot);
  return version === undefined ? [] : [version.value];
}

function isSame<T>(a: Version<T>, b: Version<T>): boolean {
  return a.uid === b.uid && a.resourceVersion === b.resourceVersion;
}

function setEvent<T>(
  key: ObjectKey,
  current: Version<T>,
  previous: Version<T> | undefined,
  isOwnEcho: boolean,
  isFromList: boolean,
): InformerEvent<T> {
  return { type: 'set', key, current: current.value, previous: previous?.value, isOwnEcho, isFromList };
}

function deletedEvent<T>(key: ObjectKey, previous: Version<T>, isFromList: boolean): InformerEvent<T> {
  return { type: 'deleted', key, current: undefined, previous: previous.value, isOwnEcho: false, isFromList };
}

function addTo<T>(byValue: Map<string, Set<Slot<T>>>, values: readonly string[], slot: Slot<T>): void {
  for (const value of values) {
    const slots = byValue.get(value);
    if (slots === undefined) byValue.set(value, new Set([slot]));
    else slots.add(slot);
  }
}

function removeFrom<T>(byValue: Map<string, Set<Slot<T>>>, values: readonly string[], slot: Slot<T>): void {
  for (const value of values) {
    const slots = byValue.get(value);
    slots?.delete(slot);
    if (slots?.size === 0) byValue.delete(value);
  }
}
