/** Counts over time, for pictures of any width. */

/** Return the same counts in so many bins. */
export function rebin(counts: number[], bins: number): number[] {
  const result = new Array<number>(bins).fill(0);
  counts.forEach((count, index) => {
    const bin = Math.min(bins - 1, Math.floor((index * bins) / counts.length));
    result[bin] = (result[bin] ?? 0) + count;
  });
  return result;
}

/** Return how much happened in each of so many bins between two moments. */
export function binsOf(
  points: { timestamp: number; count: number }[],
  from: number,
  to: number,
  bins: number,
): number[] {
  const result = new Array<number>(bins).fill(0);
  const length = Math.max(1, to - from);
  for (const { timestamp, count } of points) {
    const bin = Math.floor(((timestamp - from) * bins) / length);
    const place = Math.min(bins - 1, Math.max(0, bin));
    result[place] = (result[place] ?? 0) + count;
  }
  return result;
}
