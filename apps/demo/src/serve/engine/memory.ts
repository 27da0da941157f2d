import type { PageFormat } from '@heed/kvcache';
import type { ModelConfig } from '../../transformer/config.ts';

/** Bytes of a row of keys or values of one token and head, as docs/kvcache.md has it. */
const rowBytes: Readonly<Record<PageFormat, (dim: number) => number>> = {
  f32: (dim) => 4 * dim,
  f16: (dim) => 2 * (dim + (dim % 2)),
  int8: (dim) => 4 + 4 * Math.ceil(dim / 4),
  int4: (dim) => 4 + 4 * Math.ceil(dim / 8),
};

/** Bytes of one page in all layers, keys and values. */
export function pageBytes(
  { layers, kvHeads, headDim }: Pick<ModelConfig, 'layers' | 'kvHeads' | 'headDim'>,
  pageSize: number,
  format: PageFormat,
): number {
  return layers * kvHeads * pageSize * 2 * rowBytes[format](headDim);
}
