import type { PageFormat, PageGeometry } from '../pages/geometry.ts';

const pattern = /^l(\d+)-h(\d+)-k(\d+)-v(\d+)-p(\d+)-(f32|f16|int8|int4)$/;

/** A geometry as keys and messages have it: layers, kv heads, head dims of k and v, page size, format: `l2-h8-k64-v64-p16-f16`. */
export const geometryText = (g: PageGeometry): string =>
  `l${g.layers}-h${g.kvHeads}-k${g.headDim}-v${g.headDimV}-p${g.pageSize}-${g.format}`;

/** The inverse of {@link geometryText}; undefined for any other text. */
export function parseGeometry(text: string): PageGeometry | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [layers, kvHeads, headDim, headDimV, pageSize] = match.slice(1, 6).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const format = match[6] as PageFormat;
  const geometry = { layers, kvHeads, headDim, headDimV, pageSize, format };
  return geometryText(geometry) === text ? geometry : undefined; // no leading zeros, nothing rounded
}
