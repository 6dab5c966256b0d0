/** Counts of (true class, predicted class) pairs: what a confusion matrix shows, as pure functions. */

export interface Cell {
  readonly row: number;
  readonly column: number;
  readonly count: number;
  /** Share of the true class's examples, 0 to 1. */
  readonly share: number;
}

/** Every cell of a classes x classes matrix, row by row. */
export function cells(counts: ArrayLike<number>, classes: number): Cell[] {
  const list: Cell[] = [];
  for (let row = 0; row < classes; row++) {
    const total = rowTotal(counts, classes, row);
    for (let column = 0; column < classes; column++) {
      const count = counts[row * classes + column] ?? 0;
      list.push({ row, column, count, share: total > 0 ? count / total : 0 });
    }
  }
  return list;
}

export function rowTotal(counts: ArrayLike<number>, classes: number, row: number): number {
  let total = 0;
  for (let column = 0; column < classes; column++) total += counts[row * classes + column] ?? 0;
  return total;
}

/** How many of all examples lie on the diagonal, 0 to 1; null without examples. */
export function accuracy(counts: ArrayLike<number>, classes: number): number | null {
  let right = 0;
  let all = 0;
  for (let at = 0; at < classes * classes; at++) {
    all += counts[at] ?? 0;
    if (Math.floor(at / classes) === at % classes) right += counts[at] ?? 0;
  }
  return all > 0 ? right / all : null;
}

/** Strength of a cell's colour, 0 to 1: the square root lets rare mistakes be seen beside full diagonals. */
export const strength = (share: number): number => Math.sqrt(Math.max(0, Math.min(1, share)));
