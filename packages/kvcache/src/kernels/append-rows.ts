import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import { dispatch, formatShape, getKernel, isQuantised, placeholder } from '@heed/core/kernel';
import { formatIn, kvRowWords, type PageGeometry, poolNames } from '../pages/page-geometry.ts';
import { type AppendConfig, appendSource } from './append-rows.wgsl.ts';
import { bindIntegers, bindRows, workgroupsOf, writtenPools } from './bound-operands.ts';
import { type Pool, wordsOfPage } from './page-pools.ts';
import { bindRotary, checkRotary, type Rotary } from './rotary.ts';
import { LANES_PER_ROW } from './row-writes.wgsl.ts';

/** New keys and values of T tokens, and their slots. */
export interface NewRows {
  /** [T, kvHeads, headDim] f32, f16 or bf16, any strides. */
  readonly k: Tensor;
  /** [T, kvHeads, headDimV] f32, f16 or bf16, any strides; not read with `sharedKv`. */
  readonly v?: Tensor | undefined;
  /**
   * [T], a tensor in i32 or u32: page · pageSize + row in the page, no slot twice. Rows with a negative slot, or one beyond the
   * pool, are not written.
   */
  readonly slots: Int32Array | Tensor;
  /** Rotates the keys before they are stored. */
  readonly rotary?: Rotary;
}

/** Writes new rows to their slots, in one dispatch. int8 and int4 rows are scaled by their largest magnitude. */
export function appendRows(gpu: Gpu, geometry: PageGeometry, pool: Pool, rows: NewRows): void {
  const { k, v, slots, rotary } = rows;
  const [tokens, heads] = k.shape as [number, number];
  checkLength(slots, tokens);
  if (rotary) checkRotary('append', gpu, rotary, tokens, geometry.headDim);
  if (tokens === 0 || heads === 0) return;

  const words = kvRowWords(geometry);
  const pages = wordsOfPage(geometry, pool);
  const newK = bindRows(k, words.k, pages.k);
  const newV = v && !geometry.sharedKv ? bindRows(v, words.v, pages.v) : noRows(gpu);
  const slot = bindIntegers(gpu, slots);
  const rotated = rotary && bindRotary(gpu, rotary);
  const capacity = pool.k.shape[0]! * geometry.pageSize;
  const params = Uint32Array.of(
    ...newK.values,
    ...newV.values,
    ...(rotated?.values ?? []),
    tokens,
    heads,
    capacity,
    geometry.pageSize,
    slot.start,
    slot.step,
  );
  const names = poolNames(geometry);
  const lanesOf = (x: 'k' | 'v'): number =>
    isQuantised(formatIn(geometry, x)) ? LANES_PER_ROW : words[x];
  const lanes = Math.max(...names.map(lanesOf));
  dispatch(gpu, {
    kernel: getKernel(gpu, appendSource(appendConfig(geometry, !!rotary))),
    buffers: [
      newK.range,
      newV.range,
      slot.range,
      ...writtenPools(gpu, geometry, pool),
      ...(rotated?.buffers ?? []),
    ],
    params,
    workgroups: workgroupsOf(gpu, 'append', tokens * heads * lanes, names.length),
  });
}

/** Returns the config of the kernel that appends to pages of this geometry. */
export function appendConfig(geometry: PageGeometry, rotary: boolean): AppendConfig {
  return { format: geometry.format, formatV: formatIn(geometry, 'v'), rotary };
}

/** The binding of rows that a kernel does not read. */
const noRows = (gpu: Gpu): ReturnType<typeof bindRows> => ({
  range: placeholder(gpu, 'read'),
  values: new Array<number>(8).fill(0),
});

function checkLength(slots: Int32Array | Tensor, tokens: number): void {
  const shape = slots instanceof Int32Array ? [slots.length] : slots.shape;
  if (shape.length === 1 && shape[0] === tokens) return;
  throw new ValidationError(
    `append: there must be one slot for each of the ${tokens} tokens; got ${formatShape(shape)}. Pass slots of shape [${tokens}].`,
  );
}
