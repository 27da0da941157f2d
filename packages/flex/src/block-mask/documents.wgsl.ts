import { type KernelSource, wgsl } from '@heed/core/kernel';

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

    @compute @workgroup_size(64)
    fn main(
      @builtin(workgroup_id) workgroup: vec3<u32>,
      @builtin(num_workgroups) workgroups: vec3<u32>,
      @builtin(local_invocation_index) lane: u32,
    ) {
      let row = (workgroup.x + workgroup.y * workgroups.x) * 64u + lane;
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
    }
  `}\n`,
};
