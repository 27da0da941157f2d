import { type KernelSource, threadMain, wgsl } from '@heed/core/kernel';

/** Classes per word of a table that `listedSource` writes: two bits each. */
export const CLASSES_PER_WORD = 16;

/**
 * Writes the classes of blocks from their lists, two bits per block: one thread per word. Run once with the lists of partial
 * blocks, which sets every word, and then with those of full blocks, which overrules. Counts and indices out of range are safe.
 */
export const listedSource: KernelSource = {
  label: 'heed/block-mask from lists',
  bindings: ['read', 'read', 'write', 'uniform'],
  code: `${wgsl`
    struct Params {
      // Batch entries, heads, rows of blocks, and words of a row.
      shape: vec4<u32>,
      // Of batch, head and row; \`stride\` is that of a row's entries.
      counts: vec3<u32>,
      counts_offset: u32,
      indices: vec3<u32>,
      indices_offset: u32,
      stride: u32,
      entries: u32,
      columns: u32,
      class_: u32,
    }

    const PARTIAL = 1u;

    @group(0) @binding(0) var<storage, read> counts: array<i32>;
    @group(0) @binding(1) var<storage, read> indices: array<i32>;
    @group(0) @binding(2) var<storage, read_write> classes: array<u32>;
    @group(0) @binding(3) var<uniform> params: Params;

    ${threadMain(
      'index',
      wgsl`
        let shape = params.shape;
        if (index >= shape.x * shape.y * shape.z * shape.w) {
          return;
        }
        let row = index / shape.w;
        let at = vec3<u32>(row / (shape.y * shape.z), row / shape.z % shape.y, row % shape.z);
        let listed = counts[params.counts_offset + dot(at, params.counts)];
        let count = u32(clamp(listed, 0, i32(params.entries)));
        let first = params.indices_offset + dot(at, params.indices);
        let begin = index % shape.w * ${CLASSES_PER_WORD}u;
        let end = min(begin + ${CLASSES_PER_WORD}u, params.columns);
        var word = 0u;
        if (params.class_ != PARTIAL) {
          word = classes[index];
        }
        for (var i = 0u; i < count; i++) {
          let column = u32(indices[first + i * params.stride]);
          if (column >= begin && column < end) {
            let shift = (column - begin) * 2u;
            word = (word & ~(3u << shift)) | (params.class_ << shift);
          }
        }
        classes[index] = word;
      `,
    )}
  `}\n`,
};
