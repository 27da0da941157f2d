import type { Tensor } from '@heed/core';
import { bindTensor, type KernelSource, threadGrid, threadMain, wgsl } from '@heed/core/kernel';
import type { Target } from './launch-target.ts';

/** Writes zeros, so that elements which no kernel writes are 0. */
export const fillSource: KernelSource = {
  label: 'heed/fill',
  bindings: ['write', 'uniform'],
  code: `${wgsl`
    @group(0) @binding(0) var<storage, read_write> words: array<u32>;
    @group(0) @binding(1) var<uniform> count: vec4<u32>;

    ${threadMain(
      'word',
      wgsl`
        if (word < count.x) {
          words[word] = 0u;
        }
      `,
    )}
  `}\n`,
};

/** Sets a tensor to 0. The tensor must not share its memory with another. */
export function fillZero(target: Target, tensor: Tensor): void {
  const { range } = bindTensor(tensor);
  const words = range.size / 4;
  target.dispatch({
    source: fillSource,
    buffers: [range],
    params: Uint32Array.of(words, 0, 0, 0),
    workgroups: threadGrid(target.gpu, words),
  });
}
