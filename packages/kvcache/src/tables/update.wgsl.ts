import { type KernelSource, threadMain, wgsl } from '@heed/core/kernel';

/** Writes single words of a table: pairs of an index and a value. */
export const updateSource: KernelSource = {
  label: 'heed/kv/update-table',
  bindings: ['read', 'write', 'uniform'],
  code: `${wgsl`
    struct Params {
      first: u32,
      count: u32,
    }

    @group(0) @binding(0) var<storage, read> pairs: array<vec2<u32>>;
    @group(0) @binding(1) var<storage, read_write> table: array<u32>;
    @group(0) @binding(2) var<uniform> params: Params;

    ${threadMain(
      'i',
      wgsl`
        if (i < params.count) {
          table[params.first + pairs[i].x] = pairs[i].y;
        }
      `,
    )}
  `}\n`,
};
