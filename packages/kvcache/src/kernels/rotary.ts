import type { Gpu, Tensor } from '@heed/core';
import {
  bindTensor,
  type BufferRange,
  checkNarrow,
  checkTensor,
  fail,
  floatTypes,
  formatShape,
  type NamesOf,
} from '@heed/core/kernel';
import { bindIntegers, checkBindable } from './bound-operands.ts';
import { typeNumbers } from './row-reads.wgsl.ts';

/**
 * Angles of a rotary position embedding, like flash-attention's `rotary_cos`, `rotary_sin` and `rotary_interleaved`. A pair
 * (x, y) at position p becomes (x·cos − y·sin, y·cos + x·sin), with row p of the tables. Elements from rotaryDim on are unchanged.
 *
 * Source: RoFormer (arXiv 2104.09864).
 */
export interface RotaryTables {
  /** [maxPosition, rotaryDim / 2], f32, f16 or bf16; rotaryDim ≤ D. */
  readonly cos: Tensor;
  /** Same shape and dtype as `cos`. */
  readonly sin: Tensor;
  /** Pairs are (2i, 2i + 1) as in GPT-J; default false: (i, i + rotaryDim / 2) as in GPT-NeoX and Llama. */
  readonly interleaved?: boolean;
}

/** A rotary position embedding for a list of tokens. */
export interface Rotary extends RotaryTables {
  /** [T], 0 to maxPosition − 1. A list on the host is checked; a tensor, i32 or u32, is clamped. */
  readonly positions: Int32Array | BigInt64Array | Tensor;
}

/** A rotary whose positions have been read and checked. */
export interface CheckedRotary extends RotaryTables {
  readonly positions: Int32Array | Tensor;
}

export const rotaryNames: NamesOf<Rotary> = { cos: 1, sin: 1, interleaved: 1, positions: 1 };

/** Buffers and parameters of the rotary part of a kernel. */
export interface BoundRotary {
  readonly buffers: readonly BufferRange[];
  /** Values of the WGSL struct `Rotary`. */
  readonly values: readonly number[];
}

/**
 * Checks the rotary option of `append` and `rotate`.
 * @param tokens T
 * @param dim elements of a row
 * @throws ValidationError tables of another shape or dtype, more pairs than a row has, positions outside the tables
 */
export function checkRotary(
  fn: string,
  gpu: Gpu,
  rotary: Rotary,
  tokens: number,
  dim: number,
): asserts rotary is CheckedRotary {
  const { cos, sin, positions } = rotary;
  checkTensor(fn, 'rotary.cos', cos, { rank: 2, dtype: floatTypes, gpu });
  checkTensor(fn, 'rotary.sin', sin, { rank: 2, dtype: [cos.dtype], gpu });
  checkBindable(fn, 'rotary.cos', cos);
  checkBindable(fn, 'rotary.sin', sin);
  const [rows, pairs] = cos.shape as [number, number];
  if (formatShape(sin.shape) !== formatShape(cos.shape)) {
    const got = `${formatShape(sin.shape)} and ${formatShape(cos.shape)}`;
    fail(
      fn,
      'rotary.sin must have the shape of rotary.cos',
      got,
      'Make both [maxPosition, rotaryDim / 2].',
    );
  }
  if (rows === 0 || 2 * pairs > dim) {
    const rule = `rotary.cos must be [maxPosition, rotaryDim / 2] with a rotaryDim of at most ${dim}, the head dim`;
    fail(
      fn,
      rule,
      formatShape(cos.shape),
      'Pass one row per position and one column per pair of elements.',
    );
  }
  checkNarrow(fn, 'rotary.positions', positions);
  const isHost = positions instanceof Int32Array;
  if (!isHost) {
    checkTensor(fn, 'rotary.positions', positions, { rank: 1, dtype: ['i32', 'u32'], gpu });
  }
  const length = isHost ? positions.length : positions.shape[0]!;
  if (length !== tokens) {
    fail(
      fn,
      `rotary.positions must have an entry for each of the ${tokens} tokens`,
      `${length}`,
      'Pass one position per token.',
    );
  }
  const outside = isHost ? positions.findIndex((p) => p < 0 || p >= rows) : -1;
  if (outside >= 0) {
    const got = `${(positions as Int32Array)[outside]} for token ${outside}`;
    fail(
      fn,
      `rotary.positions must be from 0 to ${rows - 1}, the last row of rotary.cos`,
      got,
      'Make the tables longer.',
    );
  }
}

export function bindRotary(
  gpu: Gpu,
  { cos, sin, positions, interleaved }: CheckedRotary,
): BoundRotary {
  const [boundCos, boundSin, list] = [
    bindTensor(cos),
    bindTensor(sin),
    bindIntegers(gpu, positions),
  ];
  const [rows, pairs] = cos.shape as [number, number];
  const isInterleaved = interleaved === true ? 1 : 0;
  const tables = [boundCos.elementOffset, ...cos.strides, boundSin.elementOffset, ...sin.strides];
  const facts = [typeNumbers[cos.dtype]!, pairs, isInterleaved, rows - 1];
  return {
    buffers: [boundCos.range, boundSin.range, list.range],
    values: [...tables, ...facts, list.start, list.step],
  };
}
