import type { PageFormat } from '@heed/core';
import {
  type FloatType,
  type HalfType,
  isHalf,
  isQuantised,
  type QuantFormat,
  roundHalf,
  sections,
  valuesPerWord,
  wgsl,
  WORKGROUP,
} from '@heed/core/kernel';

/** Returns the WGSL of element d of the new row at `row`. */
export type ValueOf = (d: string) => string;

/** `<x>_row(slot, head)`: the first word of a row in its pool. */
export const rowWgsl = (x: 'k' | 'v'): string => wgsl`
  fn ${x}_row(slot: u32, head: u32) -> u32 {
    let row = slot % params.page_size * params.heads + head;
    return slot / params.page_size * params.${x}.page + row * params.${x}.words;
  }
`;

/** Functions for storing floats. */
const wordWgsl = (format: FloatType): string | false => isHalf(format) && roundHalf(format);

/** `append_<x>(thread)`: one thread per 32-bit word of the pool, so that no word has two writers. */
const wordRows =
  (format: FloatType) =>
  (x: 'k' | 'v', valueOf: ValueOf, position: string | false): string =>
    wgsl`
    fn append_${x}(thread: u32) {
      let word = thread % params.${x}.words;
      let head = thread / params.${x}.words % params.heads;
      let token = thread / params.${x}.words / params.heads;
      let slot = slot_of(token);
      if (slot == NO_SLOT) {
        return;
      }
      let row = params.${x}.start + token * params.${x}.token + head * params.${x}.head;
      ${position}
      let target_word = ${x}_row(slot, head) + word;
      ${isHalf(format) ? pair(format, x, valueOf) : single(x, valueOf)}
    }
  `;

const single = (x: string, valueOf: ValueOf): string =>
  `${x}_pool[target_word] = bitcast<u32>(${valueOf('word')});`;

const pair = (type: HalfType, x: string, valueOf: ValueOf): string => wgsl`
  let d = 2u * word;
  let next = d + 1u;
  var high = 0.0;
  if (next < params.${x}.dim) {
    high = ${valueOf('next')};
  }
  ${x}_pool[target_word] = pack_${type}(${valueOf('d')}, high);
`;

/** Number of threads that share a row. */
export const LANES_PER_ROW = 16;

const bitsOf = (format: QuantFormat): number => 32 / valuesPerWord[format];

/** What rows of int8 and of int4 share. */
const quantWgsl = wgsl`
  const LANES = ${LANES_PER_ROW}u;
  const NAN = 0x7fc00000u;

  // Bits of the largest magnitude that each thread has read. They have the order of the numbers, with NaN as the largest.
  var<workgroup> largest_of: array<u32, ${WORKGROUP}>;
`;

/** Functions for storing int8 or int4: the scale of a row, and the integers of its elements. Both examine values by their bits. */
const formatWgsl = (format: QuantFormat): string => wgsl`
  const LARGEST_${format.toUpperCase()} = ${2 ** (bitsOf(format) - 1) - 1}.0;

  // Bits of the scale: 0 if it would be subnormal (a row of zeros, for one), NaN if an element is not finite.
  fn scale_${format}(largest: u32) -> u32 {
    if (largest >= 0x7f800000u) {
      return NAN;
    }
    let scale = bitcast<u32>(bitcast<f32>(largest) / LARGEST_${format.toUpperCase()});
    return select(scale, 0u, scale < 0x00800000u);
  }

  fn round_${format}(x: f32, scale: f32) -> u32 {
    return bitcast<u32>(i32(clamp(round(x / scale), -LARGEST_${format.toUpperCase()}, LARGEST_${format.toUpperCase()}))) & ${2 ** bitsOf(format) - 1}u;
  }
`;

/** Functions for storing rows in these formats. */
export function storeWgsl(formats: ReadonlySet<PageFormat>): string {
  const all = [...formats];
  const quantised = all.filter(isQuantised);
  return sections(
    ...all.map((format) => !isQuantised(format) && wordWgsl(format)),
    quantised.length > 0 && quantWgsl,
    ...quantised.map(formatWgsl),
  );
}

/** `append_<x>(thread)`: writes the rows of new keys or values. */
export const appendWgsl = (
  format: PageFormat,
  x: 'k' | 'v',
  valueOf: ValueOf,
  position: string | false,
): string => (isQuantised(format) ? quantisedRows(format) : wordRows(format))(x, valueOf, position);

/** `append_<x>(thread)`: several threads per row, which find its largest magnitude, then write its scale and its words. */
const quantisedRows =
  (format: QuantFormat) =>
  (x: 'k' | 'v', valueOf: ValueOf, position: string | false): string => {
    const bits = bitsOf(format);
    return wgsl`
      fn append_${x}(thread: u32) {
        let lane = thread % ${WORKGROUP}u;
        let first = thread % LANES;
        let head = thread / LANES % params.heads;
        let token = thread / LANES / params.heads;
        let slot = slot_of(token);
        let row = params.${x}.start + token * params.${x}.token + head * params.${x}.head;
        ${position}
        var largest = 0u;
        if (slot != NO_SLOT) {
          for (var d = first; d < params.${x}.dim; d += LANES) {
            largest = max(largest, bitcast<u32>(${valueOf('d')}) & 0x7fffffffu);
          }
        }
        largest_of[lane] = largest;
        workgroupBarrier();
        if (slot == NO_SLOT) {
          return;
        }
        for (var i = 0u; i < LANES; i++) {
          largest = max(largest, largest_of[lane - first + i]);
        }
        let scale = scale_${format}(largest);
        let is_number = (scale != 0u) & (scale != NAN);
        let target_row = ${x}_row(slot, head);
        if (first == 0u) {
          ${x}_pool[target_row] = scale;
        }
        for (var word = first; word + 1u < params.${x}.words; word += LANES) {
          var integers = 0u;
          for (var i = 0u; i < ${32 / bits}u; i++) {
            let d = word * ${32 / bits}u + i;
            if ((d < params.${x}.dim) & is_number) {
              integers |= round_${format}(${valueOf('d')}, bitcast<f32>(scale)) << (i * ${bits}u);
            }
          }
          ${x}_pool[target_row + 1u + word] = integers;
        }
      }
    `;
  };
