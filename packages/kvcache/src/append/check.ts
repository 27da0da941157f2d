import type { Tensor } from '@heed/core';
import { checkTensor, fail, show } from '@heed/core/kernel';
import { checkWhole } from '../checks.ts';
import type { CacheCore } from '../core.ts';
import { checkBindable } from '../kernels/parts/bindable.ts';
import type { Pool } from '../pages/pools.ts';

const floats = ['f32', 'f16'] as const;

/** Checks the rows of an append: k [T, Hkv, D] and v [T, Hkv, Dv]. Returns T. */
export function checkRows(
  fn: string,
  core: CacheCore,
  layer: number,
  k: Tensor,
  v: Tensor,
): number {
  const { gpu, geometry } = core;
  const { layers, kvHeads, headDim, headDimV } = geometry;
  checkWhole(fn, 'layer', layer, 0, layers - 1);
  checkTensor(fn, 'k', k, { rank: 3, dtype: floats, gpu });
  checkTensor(fn, 'v', v, { rank: 3, dtype: floats, gpu });
  const rows = k.shape[0]!;
  const sizes = [
    ['k', k, [rows, kvHeads, headDim]],
    ['v', v, [rows, kvHeads, headDimV]],
  ] as const;
  for (const [name, { shape }, wanted] of sizes) {
    if (shape.every((size, i) => size === wanted[i])) continue;
    const rule = `${name} must have shape [T, Hkv, D] = [${wanted.join(', ')}], T being k's`;
    fail(fn, rule, `[${shape.join(', ')}]`, 'Pass packed rows, those of each sequence together.');
  }
  for (const [name, tensor] of [
    ['k', k],
    ['v', v],
  ] as const) {
    checkBindable(fn, name, tensor);
    checkApart(fn, name, tensor, core.pools[layer]!);
  }
  return rows;
}

/** A dispatch cannot read what it writes, not even elsewhere in the buffer. */
export function checkApart(fn: string, name: string, t: Tensor, pool: Pool): void {
  if (t.buffer !== pool.k.buffer && t.buffer !== pool.v.buffer) return;
  fail(
    fn,
    `${name} must not lie in the cache's own memory`,
    `a view of "${t.label}"`,
    'Copy it, or fork its sequence.',
  );
}

/** How many of `rows` packed rows each of `count` sequences gets. Without `cuSeqlens` all get the same. */
export function rowCounts(
  fn: string,
  rows: number,
  count: number,
  cuSeqlens: Int32Array | BigInt64Array | undefined,
): Int32Array {
  if (cuSeqlens === undefined) {
    if (count === 0 ? rows > 0 : rows % count !== 0) {
      const rule = `without cuSeqlens the rows must divide evenly among ${count} sequences`;
      fail(fn, rule, `${rows} rows`, 'Pass cuSeqlens: 0, then the end of each sequence.');
    }
    return new Int32Array(count).fill(count === 0 ? 0 : rows / count);
  }
  if (!(cuSeqlens instanceof Int32Array) || cuSeqlens.length !== count + 1) {
    const got = cuSeqlens instanceof Int32Array ? `${cuSeqlens.length} entries` : show(cuSeqlens);
    fail(fn, `cuSeqlens must be an Int32Array of ${count + 1} entries`, got, 'Pass [0, end, …].');
  }
  if (cuSeqlens[0] !== 0 || cuSeqlens[count] !== rows) {
    const got = `${cuSeqlens[0]} and ${cuSeqlens[count]}`;
    fail(
      fn,
      `cuSeqlens must start with 0 and end with ${rows}, the rows of k`,
      got,
      'Pass all rows.',
    );
  }
  return cuSeqlens.subarray(1).map((end, i) => {
    if (end >= cuSeqlens[i]!) return end - cuSeqlens[i]!;
    fail(fn, 'cuSeqlens must not decrease', `${cuSeqlens[i]} then ${end}`, 'Sort out the lengths.');
  });
}
