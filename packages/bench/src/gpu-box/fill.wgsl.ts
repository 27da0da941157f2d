import { type KernelSource, wgsl } from '@heed/core/kernel';

/** Threads of a workgroup. */
export const LANES = 64;

/** Writes the numbers of `valueAt` as halves, two to a word, each thread every so many words. */
export const fillSource: KernelSource = {
  label: 'heed-bench/fill',
  bindings: ['write', 'uniform'],
  code: `${wgsl`
    struct Params {
      words: u32,
      threads: u32,
      seed: u32,
      factor: f32,
    }

    @group(0) @binding(0) var<storage, read_write> halves: array<u32>;
    @group(0) @binding(1) var<uniform> params: Params;

    fn value_at(index: u32) -> f32 {
      var x = index + params.seed * 0x9e3779b9u;
      x = (x ^ (x >> 16u)) * 0x7feb352du;
      x = (x ^ (x >> 15u)) * 0x846ca68bu;
      x = x ^ (x >> 16u);
      return (f32(x >> 21u) - 1024.0) / 1024.0 * params.factor;
    }

    @compute @workgroup_size(${LANES})
    fn main(@builtin(global_invocation_id) id: vec3<u32>) {
      for (var word = id.x; word < params.words; word += params.threads) {
        halves[word] = pack2x16float(vec2<f32>(value_at(2u * word), value_at(2u * word + 1u)));
      }
    }
  `}\n`,
};
