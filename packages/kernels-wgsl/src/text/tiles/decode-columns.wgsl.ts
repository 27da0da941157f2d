import { wgsl } from '@heed/core/kernel';
import { type Decode } from './decode-layout.ts';
import { DECODE_THREADS } from './decode-tile.ts';

export const guarded = (condition: string, body: string): string => wgsl`
  if (${condition}) {
    ${body}
  }
`;

/** Combines a value of all threads of a row, in the same order for each: by shuffles within a block, then through memory. */
export function overColumns(
  { tile, block }: Decode,
  name: string,
  join: (x: string) => string,
): string {
  const { rows } = tile;
  const masks = powersOfTwo(rows, block);
  const blocks = DECODE_THREADS / block;
  const first = rows === 1 ? '' : `index * ${blocks}u`;
  const at = (i: string): string => `columns[${[first, i].filter(Boolean).join(' + ') || '0'}]`;
  const store = `${at(`thread / ${block}u`)} = ${name};`;
  return wgsl`
    ${masks.map((mask) => `${name} = ${join(`subgroupShuffleXor(${name}, ${mask}u)`)};`)}
    ${masks.length === 0 ? store : guarded(`thread % ${block}u < ${rows}u`, store)}
    workgroupBarrier();
    ${name} = ${at('')};
    for (var i = 1u; i < ${blocks}u; i++) {
      ${name} = ${join(at('i'))};
    }
  `;
}

/** Returns the powers of two from `first` on that are below `end`. */
export function powersOfTwo(first: number, end: number): number[] {
  return first < end ? [first, ...powersOfTwo(first * 2, end)] : [];
}
