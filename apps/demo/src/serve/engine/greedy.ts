/** The index of the largest number of a row; of equal ones the first. */
export function argmax(row: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i]! > row[best]!) best = i;
  return best;
}

/** The indices of the n largest numbers of a row, the largest first; of equal ones the first goes first. */
export function largest(row: ArrayLike<number>, n: number): number[] {
  const order = Array.from({ length: row.length }, (_, i) => i);
  return order.toSorted((a, b) => row[b]! - row[a]! || a - b).slice(0, n);
}
