/**
 * The middle of some figures, and the middle of their distances from it. Half of the figures can be anything and both stay
 * where the others are, which the mean and the standard deviation do not.
 */
export type Spread = { readonly median: number; readonly deviation: number };

const NORMAL = 1.4826; // LIMIT: by it a median deviation becomes a standard deviation, where figures are spread normally

/** Median and median absolute deviation (MAD); of no figures, both are 0. */
export function spreadOf(figures: readonly number[]): Spread {
  const median = middleOf(figures);
  return { median, deviation: middleOf(figures.map((figure) => Math.abs(figure - median))) };
}

function middleOf(figures: readonly number[]): number {
  const sorted = Float64Array.from(figures).sort();
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? 0) + upper) / 2;
}

/** How many standard deviations a figure lies above the middle; infinite when it does, and half of the figures are the middle. */
export function deviationsAbove(figure: number, { median, deviation }: Spread): number {
  const above = Math.max(0, figure - median);
  return above === 0 ? 0 : above / (NORMAL * deviation);
}

/** The second largest figure: one that stands alone does not change it. Of fewer than two, 0. */
export function secondLargest(figures: readonly number[]): number {
  let first = 0;
  let second = 0;
  for (const figure of figures) {
    if (figure > first) [first, second] = [figure, first];
    else if (figure > second) second = figure;
  }
  return second;
}
