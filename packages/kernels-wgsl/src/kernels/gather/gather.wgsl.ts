import type { KernelSource } from '@heed/core/kernel';
import { threadMain, wgsl } from '@heed/core/kernel';

export const MAX_RANK = 4;

/** Copies a strided tensor to consecutive words: 4-byte elements, or two halves to a word. */
export const gatherSource: KernelSource = {
  label: 'heed/gather',
  bindings: ['read', 'write', 'uniform'],
  code: `${wgsl`
    struct Params {
      words: u32,
      count: u32,
      is_half: u32,
      source: u32,
      first: u32,
      shape: vec4<u32>,
      strides: vec4<u32>,
    }

    @group(0) @binding(0) var<storage, read> source: array<u32>;
    @group(0) @binding(1) var<storage, read_write> gathered: array<u32>;
    @group(0) @binding(2) var<uniform> params: Params;

    // Where element \`index\` in row-major order lies, in elements.
    fn element(index: u32) -> u32 {
      var rest = index;
      var at = params.source;
      for (var axis = 3; axis >= 0; axis--) {
        at += rest % params.shape[axis] * params.strides[axis];
        rest /= params.shape[axis];
      }
      return at;
    }

    fn half(index: u32) -> u32 {
      let at = element(min(index, params.count - 1u));
      return (source[at / 2u] >> (at % 2u * 16u)) & 0xffffu;
    }

    ${threadMain(
      'word',
      wgsl`
        if (word >= params.words) {
          return;
        }
        if (params.is_half != 0u) {
          gathered[params.first + word] = half(2u * word) | (half(2u * word + 1u) << 16u);
        } else {
          gathered[params.first + word] = source[element(word)];
        }
      `,
    )}
  `}\n`,
};
