import type { NdArray } from './nd-array.ts';
import type { Exact } from './stored-row.ts';

/** Cosines and sines [positions, pairs], and which elements make a pair: (2i, 2i + 1), or (i, i + pairs). */
export interface Angles {
  readonly cos: NdArray;
  readonly sin: NdArray;
  readonly interleaved: boolean;
}

/** Tables as models make them: angle = position / 10000^(pair / pairs). */
export function anglesOf(positions: number, pairs: number, interleaved: boolean): Angles {
  const table = (f: (x: number) => number): NdArray => ({
    shape: [positions, pairs],
    data: Float32Array.from({ length: positions * pairs }, (_, i) =>
      f(Math.floor(i / pairs) / 10000 ** ((i % pairs) / pairs)),
    ),
  });
  return { cos: table(Math.cos), sin: table(Math.sin), interleaved };
}

/** A row turned by the angles of its position; elements beyond the pairs stay. f32 may be off by two ulp of what is added. */
export function rotatedRow(
  row: ArrayLike<number>,
  position: number,
  angles: Angles,
): Required<Exact> {
  const { cos, sin, interleaved } = angles;
  const pairs = cos.shape[1]!;
  const numbers = Array.from(row);
  const slack = numbers.map(() => 0);
  for (let pair = 0; pair < pairs; pair++) {
    const [i, j] = interleaved ? [2 * pair, 2 * pair + 1] : [pair, pair + pairs];
    const [x, y] = [row[i]!, row[j]!];
    const [c, s] = [cos.data[position * pairs + pair]!, sin.data[position * pairs + pair]!];
    numbers[i] = x * c - y * s;
    numbers[j] = y * c + x * s;
    slack[i] = (Math.abs(x * c) + Math.abs(y * s)) * 2 ** -22;
    slack[j] = (Math.abs(y * c) + Math.abs(x * s)) * 2 ** -22;
  }
  return { numbers, slack };
}
