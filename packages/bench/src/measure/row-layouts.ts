/**
 * Changes of layout on the host. Problems are token-major, [T, H, D]; each program gets its preferred layout, and the conversion is
 * not timed.
 */

/** Swaps the two middle axes: [outer, a, b, inner] → [outer, b, a, inner]. */
export function swapMiddle(
  x: Float32Array,
  shape: readonly [outer: number, a: number, b: number, inner: number],
): Float32Array {
  const [outer, a, b, inner] = shape;
  const swapped = new Float32Array(x.length);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < a; i++) {
      for (let j = 0; j < b; j++) {
        const from = ((o * a + i) * b + j) * inner;
        swapped.set(x.subarray(from, from + inner), ((o * b + j) * a + i) * inner);
      }
    }
  }
  return swapped;
}

/** Packed rows [T, row] → padded [N, maxLength, row], zeros after each sequence. */
export function padRows(
  x: Float32Array,
  lengths: readonly number[],
  maxLength: number,
  row: number,
): Float32Array {
  const padded = new Float32Array(lengths.length * maxLength * row);
  let start = 0;
  for (const [n, length] of lengths.entries()) {
    padded.set(x.subarray(start * row, (start + length) * row), n * maxLength * row);
    start += length;
  }
  return padded;
}

/** Padded [N, maxLength, row] → packed rows [T, row]. */
export function unpadRows(
  x: Float32Array,
  lengths: readonly number[],
  maxLength: number,
  row: number,
): Float32Array {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const packed = new Float32Array(total * row);
  let start = 0;
  for (const [n, length] of lengths.entries()) {
    const from = n * maxLength * row;
    packed.set(x.subarray(from, from + length * row), start * row);
    start += length;
  }
  return packed;
}

/** Rows start…end−1 of every sequence: [outer, seqlen, row] → [outer, end − start, row]. */
export function sliceRows(
  x: Float32Array,
  shape: readonly [outer: number, seqlen: number, row: number],
  start: number,
  end: number,
): Float32Array {
  const [outer, seqlen, row] = shape;
  const kept = new Float32Array(outer * (end - start) * row);
  for (let o = 0; o < outer; o++) {
    kept.set(
      x.subarray((o * seqlen + start) * row, (o * seqlen + end) * row),
      o * (end - start) * row,
    );
  }
  return kept;
}
