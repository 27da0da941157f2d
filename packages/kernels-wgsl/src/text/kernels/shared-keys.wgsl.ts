import {
  type KernelSource,
  memoized,
  roundF16,
  sections,
  threadMain,
  wgsl,
} from '@heed/core/kernel';
import type { FloatType, ReadAccess, WriteAccess } from '../parts/kinds.ts';
import { none, type ParamField, paramsStruct, u32Fields } from '../parts/params.ts';
import { readElement, readWgsl, writeElement, writeWgsl } from '../parts/row-access.wgsl.ts';
import { enables } from '../tiles/tile.ts';

/** What the kernel's WGSL depends on. */
export interface SumConfig {
  /** `pages`: rows of pages, each owned by the entries that name its page. `batch`: rows owned by every batch entry. */
  readonly owners: 'pages' | 'batch';
  readonly dim: number;
  readonly resultType: FloatType;
  readonly read: ReadAccess;
  readonly write: WriteAccess;
}

const sumKey = (c: SumConfig): string =>
  `${c.owners} d=${c.dim} result=${c.resultType} read=${c.read} write=${c.write}`;

export const sumParams: readonly ParamField[] = [
  ...u32Fields('threads', 'heads', 'rows', 'batch', 'pages', 'max_pages', 'used'),
  ...u32Fields('part_offset', 'part_batch', 'part_head', 'part_row', 'part_dim'),
  ...u32Fields('out_offset', 'out_outer', 'out_head', 'out_row', 'out_dim'),
];

/** Sums the gradients of keys that several sequences share, over their owners in ascending order. */
export const sumSource: (config: SumConfig) => KernelSource = memoized(sumKey, (config) => ({
  label: `heed/sum of owners ${sumKey(config)}`,
  bindings: ['read', 'read', 'read', 'write', 'uniform'],
  code: `${sections(
    enables(undefined, config.resultType, config.write),
    `// ${sumKey(config)}`,
    none,
    paramsStruct(sumParams),
    bindings(config),
    readWgsl('part', 'f32', config.read, config.dim),
    config.resultType === 'f16' ? roundF16 : '',
    writeWgsl(config.resultType, config.write, config.dim),
    main(config),
  )}\n`,
}));

const bindings = ({ resultType, read, write }: SumConfig): string => wgsl`
  @group(0) @binding(0) var<storage, read> part: array<${readElement('f32', read)}>;
  @group(0) @binding(1) var<storage, read> links: array<u32>;
  @group(0) @binding(2) var<storage, read> metadata: array<i32>;
  @group(0) @binding(3) var<storage, read_write> out: array<${writeElement(resultType, write)}>;
  @group(0) @binding(4) var<uniform> params: Params;
`;

const main = ({ dim, owners }: SumConfig): string =>
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
      ${owners === 'pages' ? overPages : overBatch}
      write_out(params.out_offset + outer * params.out_outer + head * params.out_head + row * params.out_row, d, sum);
    `,
  );

const overPages = wgsl`
  for (var entry = links[outer]; entry != NONE; entry = links[params.pages + entry]) {
    let batch = entry / params.max_pages;
    let key = entry % params.max_pages * params.rows + row;
    if (i32(key) < metadata[params.used + batch]) {
      sum += read_part(at + batch * params.part_batch + key * params.part_row, d);
    }
  }
`;

const overBatch = wgsl`
  for (var batch = 0u; batch < params.batch; batch++) {
    sum += read_part(at + batch * params.part_batch + row * params.part_row, d);
  }
`;
