// A straight line through samples, with the interval that its slope lies in.

/** Of y over x. */
export interface Slope {
  readonly perUnit: number;
  /** The 95 % confidence interval: an interval with 0 in it says that no growth was found. */
  readonly interval: readonly [low: number, high: number];
}

/** Student's t for 97.5 %, by degrees of freedom; beyond the table it is close to the normal distribution's. */
const STUDENT: readonly (readonly [degrees: number, t: number])[] = [
  [1, 12.706],
  [2, 4.303],
  [3, 3.182],
  [4, 2.776],
  [5, 2.571],
  [6, 2.447],
  [8, 2.306],
  [10, 2.228],
  [15, 2.131],
  [20, 2.086],
  [30, 2.042],
  [60, 2.0],
];
const NORMAL = 1.96;

/**
 * The least squares line through the points. Samples should be taken far enough apart that one does not follow from the
 * one before, else the interval is too narrow.
 * @throws RangeError for fewer than three points
 */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): Slope {
  const count = points.length;
  if (count < 3) throw new RangeError('a slope with an interval takes at least three points');
  const meanX = mean(points.map(([x]) => x));
  const meanY = mean(points.map(([, y]) => y));
  const spreadX = sum(points.map(([x]) => (x - meanX) ** 2));
  const perUnit = sum(points.map(([x, y]) => (x - meanX) * (y - meanY))) / spreadX;
  const residuals = sum(points.map(([x, y]) => (y - meanY - perUnit * (x - meanX)) ** 2));
  const margin = studentsT(count - 2) * Math.sqrt(residuals / (count - 2) / spreadX);
  return { perUnit, interval: [perUnit - margin, perUnit + margin] };
}

/** Of the nearest row with fewer degrees of freedom, which is the wider interval. */
function studentsT(degrees: number): number {
  return degrees > 60 ? NORMAL : (STUDENT.findLast(([row]) => row <= degrees)?.[1] ?? NORMAL);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
