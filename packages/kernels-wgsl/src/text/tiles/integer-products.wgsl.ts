import { wgsl } from '@heed/core/kernel';
import { each } from '../parts/repeat.ts';
import { type Decode, ownRow, type Side } from './decode-layout.ts';
import { guarded, overColumns } from './decode-columns.wgsl.ts';

/** The functions that the products of integers call. */
export const integerText: string = wgsl`
  // 1 / step; 0 for a row of zeros, and for one so small that the quotient would overflow.
  fn steps_per_unit(step: f32) -> f32 {
    return select(0.0, 1.0 / step, step >= 0x1p-126);
  }

  // The nearest integers, in the order in which a word of keys has them.
  fn pack_integers(x: vec4<f32>) -> u32 {
    return pack4xI8(vec4<i32>(round(x)));
  }
`;

/**
 * Declares the step of the thread's own row, by which its integer scores are multiplied, and stores it for all threads in `factors`:
 * 1/127 of the row's largest element. The threads of a row share its elements.
 */
export function ownStep(decode: Decode): string {
  const { k, tile, columns } = decode;
  return wgsl`
    let own_q = q_row_offset(row);
    var q_max = 0.0;
    for (var d = column * 4u; d < ${k.dim}u; d += ${columns * 4}u) {
      let x = abs(read_q(own_q, d) * q_scale());
      q_max = max(q_max, max(max(x.x, x.y), max(x.z, x.w)));
    }
    ${overColumns(decode, 'q_max', (x) => `max(q_max, ${x})`)}
    ${guarded(`thread < ${tile.rows}u`, 'factors[thread] = q_max / 127.0;')}
    workgroupBarrier();
    let step = factors[${ownRow(decode)}]${k.read.elements === 8 ? ' / 16.0' : ''};
  `;
}

/** Declares the lane's part of row r as words of four integers, from its part as floats. */
export function integersOf({ k }: Decode, r: number): string[] {
  const words = each(k.loads)((c) => {
    if (k.read.elements === 4) return [`let i${r}_${c} = pack_integers(q${r}_${c} * units${r});`];
    const [a, b] = [`q${r}_${2 * c}`, `q${r}_${2 * c + 1}`];
    // Elements with even numbers, and those with odd ones, as the halves of a word's bytes have them.
    const half = (part: string): string =>
      `pack_integers(vec4<f32>(${a}.${part}, ${b}.${part}) * units${r})`;
    return [`let even${r}_${c} = ${half('xz')};`, `let odd${r}_${c} = ${half('yw')};`];
  });
  return [`let units${r} = steps_per_unit(factors[${r}]);`, ...words.flat()];
}

/**
 * Returns the text that prepares key i, and its product with the lane's part of row r. Four bits become the upper half of a byte,
 * which has their sign and 16 times their value.
 */
export function integerDot(
  { name, read, loads }: Side,
  i: number,
): { text: string[]; dot: (r: number) => string } {
  const sum = (terms: readonly string[]): string => terms.join(' + ');
  const key = (c: number): string => `${name}${i}_${c}`;
  if (read.elements === 4) {
    const dot = (r: number): string =>
      sum(each(loads)((c) => `dot4I8Packed(i${r}_${c}, ${key(c)})`));
    return { text: [], dot };
  }
  const text = each(loads)((c) => [
    `let ${key(c)}_even = (${key(c)} << 4u) & 0xf0f0f0f0u;`,
    `let ${key(c)}_odd = ${key(c)} & 0xf0f0f0f0u;`,
  ]).flat();
  const dot = (r: number): string =>
    sum(
      each(loads)(
        (c) =>
          `dot4I8Packed(even${r}_${c}, ${key(c)}_even) + dot4I8Packed(odd${r}_${c}, ${key(c)}_odd)`,
      ),
    );
  return { text, dot };
}
