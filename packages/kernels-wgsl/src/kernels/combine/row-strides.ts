import type { Tensor } from '@heed/core';

/** Strides by meaning, in elements; 0 where a layout has no such axis. */
export interface RowStrides {
  readonly step: number;
  readonly outer: number;
  readonly head: number;
  readonly row: number;
  readonly dim: number;
}

export interface Rows {
  readonly outer: number;
  readonly heads: number;
  readonly rows: number;
  readonly strides: RowStrides;
}

/** An `out`: [B, H, L, D] or [T, H, D], behind `leading` axes (a split axis). */
export function boundRows({ shape, strides }: Tensor, leading: 0 | 1 = 0): Rows {
  const step = leading === 1 ? strides[0]! : 0;
  const [s, n] = [strides.slice(leading), shape.slice(leading)];
  if (n.length === 4) {
    return {
      outer: n[0]!,
      heads: n[1]!,
      rows: n[2]!,
      strides: { step, outer: s[0]!, head: s[1]!, row: s[2]!, dim: s[3]! },
    };
  }
  return {
    outer: 1,
    heads: n[1]!,
    rows: n[0]!,
    strides: { step, outer: 0, head: s[1]!, row: s[0]!, dim: s[2]! },
  };
}

/** An `lse`: [B, H, L] or [H, T], behind `leading` axes. */
export function boundLse({ strides }: Tensor, leading: 0 | 1 = 0): RowStrides {
  const step = leading === 1 ? strides[0]! : 0;
  const s = strides.slice(leading);
  if (s.length === 3) return { step, outer: s[0]!, head: s[1]!, row: s[2]!, dim: 0 };
  return { step, outer: 0, head: s[0]!, row: s[1]!, dim: 0 };
}

/** Offset and strides as parameters of that name. */
export function named(name: string, offset: number, strides: RowStrides): Record<string, number> {
  return {
    [`${name}_offset`]: offset,
    ...Object.fromEntries(
      Object.entries(strides).map(([axis, stride]) => [`${name}_${axis}`, stride]),
    ),
  };
}
