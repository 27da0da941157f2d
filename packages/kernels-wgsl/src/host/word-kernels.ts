import type { Tensor } from '@heed/core';
import {
  bindTensor,
  elementCount,
  isHalf,
  type KernelSource,
  threadGrid,
  threadMain,
  wgsl,
} from '@heed/core/kernel';
import type { Target } from './launch-target.ts';

const MAX_RANK = 4;

/** Copies a strided tensor to consecutive words: 4-byte elements, or two halves per word. */
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

/**
 * Copies a host list, or a tensor of rank ≤ 4, row-major to consecutive words of `all`, starting at word `first`; two halves
 * per word.
 */
export function gatherWords(
  target: Target,
  source: Int32Array | Tensor,
  all: Tensor,
  first: number,
): void {
  const { range, elementOffset, shape, strides, inPairs } = strided(target, source);
  const count = elementCount(shape);
  if (count === 0) return;
  const words = inPairs ? Math.ceil(count / 2) : count;
  const head = [words, count, inPairs ? 1 : 0, elementOffset, first, 0, 0, 0];
  const params = Uint32Array.of(...head, ...padded(shape, 1), ...padded(strides, 0));
  target.dispatch({
    source: gatherSource,
    prepares: true,
    buffers: [range, bindTensor(all).range],
    params,
    workgroups: threadGrid(target.gpu, words),
  });
}

function strided(target: Target, source: Int32Array | Tensor) {
  if (source instanceof Int32Array) {
    const range = target.storage(source);
    return { range, elementOffset: 0, shape: [source.length], strides: [1], inPairs: false };
  }
  const { shape, strides, dtype } = source;
  return { ...bindTensor(source), shape, strides, inPairs: isHalf(dtype) };
}

const padded = (values: readonly number[], filler: number): number[] => [
  ...Array.from({ length: MAX_RANK - values.length }, () => filler),
  ...values,
];
