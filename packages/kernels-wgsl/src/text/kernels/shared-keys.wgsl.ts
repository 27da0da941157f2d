import { isHalf, memoized, roundHalf, threadMain, wgsl } from '@heed/core/kernel';
import type { FloatType, ReadAccess, WriteAccess } from '../parts/kinds.ts';
import { type ComposedKernel, composeKernel } from '../parts/kernel-parts.ts';
import { none, strideFields, u32Fields } from '../parts/params.ts';
import { readElement, readPart, writeElement, writePart } from '../parts/row-access.wgsl.ts';
import { enables } from '../tiles/tile-paths.ts';

/** Everything that the kernel's WGSL depends on. */
export interface SumConfig {
  /** `pages`: rows of pages; the block-table entries that name a page own its rows. `batch`: every batch entry owns every row. */
  readonly owners: 'pages' | 'batch';
  readonly dim: number;
  /** Head dim of further parts, which are added to the first columns: the gradients of values in the memory of keys. */
  readonly added?: number;
  readonly resultType: FloatType;
  readonly read: ReadAccess;
  readonly write: WriteAccess;
}

const sumKey = (c: SumConfig): string =>
  `${c.owners} d=${c.dim}${c.added ? ` added=${c.added}` : ''} result=${c.resultType} read=${c.read} write=${c.write}`;

/** Sums the gradients of keys that several sequences share, over their owners in ascending order. */
export const sumSource: (config: SumConfig) => ComposedKernel = memoized(sumKey, (config) => {
  const { dim, added, resultType, read, write } = config;
  return composeKernel({
    label: `heed/sum of owners ${sumKey(config)}`,
    head: [enables(undefined, resultType, write), `// ${sumKey(config)}`, none],
    bindings: [
      { name: 'part', kind: 'read', element: readElement('f32', read) },
      ...(added
        ? [{ name: 'added', kind: 'read', element: readElement('f32', read) } as const]
        : []),
      { name: 'links', kind: 'read', element: 'u32' },
      { name: 'metadata', kind: 'read', element: 'i32' },
      { name: 'out', kind: 'write', element: writeElement(resultType, write) },
    ],
    parts: [
      readPart('part', 'f32', read, dim),
      added !== undefined && readPart('added', 'f32', read, added),
      isHalf(resultType) && roundHalf(resultType),
      writePart(resultType, write, dim),
      { fields, text: main(config) },
    ],
  });
});

const fields = [
  ...u32Fields('threads', 'heads', 'rows', 'batch', 'pages', 'max_pages', 'used'),
  ...strideFields('part', 'offset', 'batch', 'head', 'row'),
  ...strideFields('added', 'offset', 'batch', 'head', 'row'),
  ...strideFields('out', 'offset', 'outer', 'head', 'row'),
];

const main = ({ dim, added, owners }: SumConfig): string =>
  threadMain(
    'thread',
    wgsl`
      if (thread >= params.threads) {
        return;
      }
      // [outer, head, row, 4 elements]; outer is the page.
      let d = thread % ${Math.ceil(dim / 4)}u * 4u;
      let row = thread / ${Math.ceil(dim / 4)}u % params.rows;
      let head = thread / (${Math.ceil(dim / 4)}u * params.rows) % params.heads;
      let outer = thread / (${Math.ceil(dim / 4)}u * params.rows * params.heads);
      let at = params.part_offset + head * params.part_head;
      var sum = vec4<f32>();
      ${added && 'var values = vec4<f32>();'}
      ${owners === 'pages' ? overPages(added) : overBatch}
      write_out(params.out_offset + outer * params.out_outer + head * params.out_head + row * params.out_row, d, sum${added && ' + values'});
    `,
  );

const overPages = (added: number | undefined): string => wgsl`
  for (var entry = links[outer]; entry != NONE; entry = links[params.pages + entry]) {
    let batch = entry / params.max_pages;
    let key = entry % params.max_pages * params.rows + row;
    if (i32(key) < metadata[params.used + batch]) {
      sum += read_part(at + batch * params.part_batch + key * params.part_row, d);
      ${added && addedPart(added)}
    }
  }
`;

const addedPart = (dim: number): string => wgsl`
  if (d < ${dim}u) {
    values += read_added(params.added_offset + head * params.added_head + batch * params.added_batch + key * params.added_row, d);
  }
`;

const overBatch = wgsl`
  for (var batch = 0u; batch < params.batch; batch++) {
    sum += read_part(at + batch * params.part_batch + row * params.part_row, d);
  }
`;
