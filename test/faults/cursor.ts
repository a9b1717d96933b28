// Which point of a series is next. A series without a fixed length goes on until a run ends before it comes to its call;
// how many there are is known beforehand only about, since calls that run side by side vary.
import type { Point, Series } from './campaigns/index.ts';

export interface CursorOptions {
  /** Only every so many-th point; 1 for all. */
  readonly every: number;
  /** The number of the first one, from 1. */
  readonly first: number;
  /** Only the point of this id, if the series has it. */
  readonly point?: string | undefined;
}

export class Cursor {
  readonly #series: Series;
  readonly #every: number;
  /** The one number that was asked for. */
  readonly #only: number | undefined;
  #next: number;
  #underWay = 0;
  #lastReached = 0;
  #lastMissed = 0;

  constructor(series: Series, { every, first, point }: CursorOptions) {
    this.#series = series;
    this.#every = every;
    this.#only = point === undefined ? undefined : numberOf(series, point);
    this.#next = this.#only ?? (point === undefined ? first : Number.POSITIVE_INFINITY);
  }

  /** Whether a point whose run does not come to its call is one that was left out, and not the end of the series. */
  get isExact(): boolean {
    return 'exactly' in this.#series.length || this.#only !== undefined;
  }

  /** Undefined where there is no more, or where that shows only when a run that is under way has ended. */
  next(): Point | undefined {
    const number = this.#next;
    if (!this.#mayBe(number)) return undefined;
    this.#next = this.#only === undefined ? number + this.#every : Number.POSITIVE_INFINITY;
    this.#underWay += 1;
    return this.#series.at(number);
  }

  /** Says what came of a point that {@link next} gave. */
  done(point: Point, isReached: boolean): void {
    this.#underWay -= 1;
    const number = numberOf(this.#series, point.id) ?? 0;
    if (isReached) this.#lastReached = Math.max(this.#lastReached, number);
    else this.#lastMissed = Math.max(this.#lastMissed, number);
  }

  #mayBe(number: number): boolean {
    if (!Number.isFinite(number)) return false;
    const { length } = this.#series;
    if ('exactly' in length) return number <= length.exactly;
    if (this.#only !== undefined || number <= length.about) return true;
    return this.#underWay === 0 && this.#lastMissed <= this.#lastReached;
  }
}

function numberOf({ prefix }: Series, id: string): number | undefined {
  const digits = id.startsWith(prefix) ? id.slice(prefix.length) : '';
  return /^[1-9]\d*$/.test(digits) ? Number(digits) : undefined;
}
