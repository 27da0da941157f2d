import { type KernelSource, threadMain, wgsl } from '@heed/core/kernel';

/** The document that each row lies in, by binary search; `documents` behind the last. Ends that do not ascend are safe. */
export const documentsSource: KernelSource = {
  label: 'heed/document ids',
  bindings: ['read', 'write', 'uniform'],
  code: `${wgsl`
    struct Params {
      rows: u32,
      documents: u32,
      cu: u32,
    }

    @group(0) @binding(0) var<storage, read> cu_seqlens: array<i32>;
    @group(0) @binding(1) var<storage, read_write> ids: array<i32>;
    @group(0) @binding(2) var<uniform> params: Params;

    ${threadMain(
      'row',
      wgsl`
        if (row >= params.rows) {
          return;
        }
        // The first document that ends behind the row.
        var low = 0u;
        var high = params.documents;
        while (low < high) {
          let middle = (low + high) / 2u;
          if (cu_seqlens[params.cu + middle + 1u] > i32(row)) {
            high = middle;
          } else {
            low = middle + 1u;
          }
        }
        ids[row] = i32(low);
      `,
    )}
  `}\n`,
};
