import type { Tensor } from '@heed/core';
import type { ScoreMod, Table } from '../../src/index.ts';
import type { Table as HostTable } from '../programs/library.ts';

/** A score mod and what it captures. */
export interface Learnable {
  readonly scoreMod: ScoreMod;
  readonly tables: Readonly<Record<string, HostTable>>;
}

/** Eighths, which f16 holds too. */
const float = (shape: readonly number[], dtype: 'f32' | 'f16' = 'f32'): HostTable => ({
  shape,
  dtype,
  data: Array.from(
    { length: shape.reduce((a, b) => a * b, 1) },
    (_, i) => ((i * 29 + 7) % 23) / 8 - 1.25,
  ),
});

type TablesOf<N extends string> = Record<N, Tensor>;

const learnable = <N extends string>(
  tables: Record<N, HostTable>,
  scoreMod: ScoreMod<TablesOf<NoInfer<N>>>,
): Learnable => ({ tables, scoreMod: scoreMod as unknown as ScoreMod });

const offset: HostTable = {
  shape: [14],
  dtype: 'i32',
  data: [3, 0, 8, 8, 1, -2, 5, 2, 40, 7, 6, 4, 3, 0],
};

/**
 * Learnable biases: all of PyTorch's TestLearnableBiases (test/inductor/test_flex_attention.py), where the symmetric one is refused, for up to 2 entries, 4 heads,
 * and 14 positions and keys; some tables are smaller, so that indices clamp.
 */
export const learnables: Readonly<Record<string, Learnable>> = {
  'relative 1d': learnable({ bias: float([27]) }, (s, b, h, q, kv, c) => s + c.bias[q - kv + 13]!),
  'by distance': learnable(
    { bias: float([28]) },
    (s, b, h, q, kv, c) => s + c.bias[Math.abs(q - kv)]!,
  ),
  'absolute 2d': learnable({ bias: float([14, 14]) }, (s, b, h, q, kv, c) => s + c.bias[q]![kv]!),
  'head-specific': learnable(
    { bias: float([4, 5, 14]) },
    (s, b, h, q, kv, c) => s + c.bias[h]![q]![kv]!,
  ),
  'batch-head': learnable(
    { bias: float([2, 4, 3, 14]) },
    (s, b, h, q, kv, c) => s + c.bias[b]![h]![q >> 2]![kv]!,
  ),
  multiplicative: learnable({ bias: float([14]) }, (s, b, h, q, kv, c) => s * c.bias[q]!),
  'local window with clamp': learnable(
    { bias: float([9]) },
    (s, b, h, q, kv, c) => s + c.bias[Math.min(Math.max(q - kv + 4, 0), 8)]!,
  ),
  'global tokens': learnable({ bias: float([5]) }, (s, b, h, q, kv, c) =>
    kv < 5 ? s + c.bias[kv]! : s,
  ),
  indirect: learnable(
    { bias: float([9]), offset },
    (s, b, h, q, kv, c) => s * 0.5 + s * c.bias[c.offset[q]!]!,
  ),
  flipped: learnable({ bias: float([14, 14]) }, (s, b, h, q, kv, c) => s + c.bias[kv]![q]!),
  'one of several, by a scalar': learnable(
    { bias: float([2, 4, 3, 14]), which: { shape: [], dtype: 'i32', data: [1] } },
    (s, b, h, q, kv, c) => s + c.bias[b]![h]![c.which]![q]! * (kv & 3),
  ),
  'head gate': learnable(
    { gate: float([4]) },
    (s, b, h, q, kv, c) => s / (1 + Math.exp(0 - c.gate[h]!)),
  ),
  'two distinct': learnable(
    { rows: float([4, 14]), keys: float([14]) },
    (s, b, h, q, kv, c) => s * c.rows[h]![q]! + c.keys[kv]!,
  ),
  symmetric: learnable({ bias: float([14]) }, (s, b, h, q, kv, c) => s + c.bias[q]! - c.bias[kv]!),
  'the same one twice': learnable(
    { bias: float([14]) },
    (s, b, h, q, kv, c) => s + c.bias[q]! * c.bias[kv]!,
  ),
  'a scalar': learnable(
    { scale: float([]) },
    (s, b, h, q, kv, c) => s * c.scale + Math.exp(c.scale) * (kv & 1),
  ),
  f16: learnable({ bias: float([4, 14], 'f16') }, (s, b, h, q, kv, c) => s + c.bias[h]![kv]!),
  broadcast: learnable(
    { bias: float([1, 4, 1, 14]) },
    (s, b, h, q, kv, c) => s + c.bias[b]![h]![q]![kv]!,
  ),
  'by the score itself': learnable(
    { bias: float([6]) },
    (s, b, h, q, kv, c) => s * 0.5 + c.bias[Math.floor(2 * s) + 3]! * s,
  ),
  'branches with −Infinity': learnable(
    { near: float([4]), far: float([14]) },
    (s, b, h, q, kv, c) => {
      if (q < kv) return -Infinity;
      return q - kv < 4 ? Math.tanh(s * c.near[h]!) : s - c.far[kv]! * c.far[q]!;
    },
  ),
};

/** The table as the plain function reads it: nested arrays whose indices clamp. */
export function nested(shape: readonly number[], data: ArrayLike<number>, first = 0): Table {
  const [size, ...inner] = shape;
  if (size === undefined) return data[first]! as Table;
  const step = inner.reduce((a, b) => a * b, 1);
  const elements = Array.from({ length: size }, (_, i) => nested(inner, data, first + i * step));
  const at = (i: number): Table => elements[Math.min(Math.max(i, 0), size - 1)]!;
  return new Proxy(elements, { get: (_, key) => at(Number(key)) }) as unknown as Table;
}
