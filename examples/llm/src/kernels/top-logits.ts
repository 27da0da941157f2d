import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import {
  bindTensor,
  dispatch,
  getKernel,
  type KernelSource,
  placeholder,
  sections,
  wgsl,
} from '@heed/core/kernel';

/** Logits that a workgroup sorts: 8 kB of workgroup memory with their ids. */
const CHUNK = 1024;

const THREADS = 64;

/** The most that {@link topLogits} keeps. */
export const MAX_TOP = 64;

/** The largest logits of R rows, by descending logit; of equal logits, the lower id first. NaN counts as −∞. */
export interface TopLogits {
  /** u32 [R, k] */
  readonly ids: Tensor;
  /** f32 [R, k] */
  readonly logits: Tensor;
}

/**
 * Finds the largest logits of each row on the GPU, so that a step reads back k numbers in place of the vocabulary: each pass keeps
 * the k largest of each 1,024, until one chunk is left.
 * @param logits f32 [R, V], any stride between rows
 * @param k 1 to 64, at most V
 * @throws ValidationError k is out of range
 */
export function topLogits(gpu: Gpu, logits: Tensor, k: number): TopLogits {
  const count = logits.shape[1]!;
  if (!Number.isInteger(k) || k < 1 || k > Math.min(MAX_TOP, count)) {
    throw new ValidationError(
      `topLogits: k must be a whole number from 1 to ${Math.min(MAX_TOP, count)}; got ${k}. Read the logits for more.`,
    );
  }
  let top = keep(gpu, logits, undefined, k);
  while (top.logits.shape[1]! > k) {
    const { logits: values, ids } = top;
    top = keep(gpu, values, ids, k);
    values.dispose();
    ids.dispose();
  }
  return top;
}

/** Keeps the k largest of each chunk of each row: [R, chunks · k]. Without `ids`, the id of a value is its column. */
function keep(gpu: Gpu, values: Tensor, ids: Tensor | undefined, k: number): TopLogits {
  const [rows, count] = values.shape as [number, number];
  const chunks = Math.ceil(count / CHUNK);
  const shape = [rows, chunks * k];
  const top = {
    ids: gpu.empty(shape, { dtype: 'u32', label: 'heed/llm/top ids' }),
    logits: gpu.empty(shape, { label: 'heed/llm/top logits' }),
  };
  if (rows === 0) return top;
  const { range, elementOffset } = bindTensor(values);
  const names = ids ? bindTensor(ids).range : placeholder(gpu, 'read');
  const row = values.strides[0]!;
  dispatch(gpu, {
    kernel: getKernel(gpu, topSource),
    buffers: [range, names, bindTensor(top.logits).range, bindTensor(top.ids).range],
    params: Uint32Array.of(count, elementOffset, row, k, ids ? 1 : 0, 0, 0, 0),
    workgroups: [chunks, rows, 1],
  });
  return top;
}

/** Sorts a chunk by descending value and ascending id: a bitonic network, which has no ties and so one result. */
const topSource: KernelSource = {
  label: 'heed/llm/top',
  bindings: ['read', 'read', 'write', 'write', 'uniform'],
  code: `${sections(
    '// heed/llm/top',
    wgsl`
      struct Params {
        // Values of a row; its start and stride, in elements.
        count: u32,
        start: u32,
        row: u32,
        k: u32,
        // 0 in the first pass, where the id of a value is its column.
        has_ids: u32,
        unused0: u32,
        unused1: u32,
        unused2: u32,
      }

      @group(0) @binding(0) var<storage, read> values: array<u32>;
      @group(0) @binding(1) var<storage, read> ids: array<u32>;
      @group(0) @binding(2) var<storage, read_write> top_values: array<u32>;
      @group(0) @binding(3) var<storage, read_write> top_ids: array<u32>;
      @group(0) @binding(4) var<uniform> params: Params;

      var<workgroup> keys: array<u32, ${CHUNK}>;
      var<workgroup> names: array<u32, ${CHUNK}>;

      // The order of f32 as the order of u32. NaN becomes −∞, and −0 becomes 0.
      fn key_of(bits: u32) -> u32 {
        let number = select(select(bits, 0u, bits == 0x80000000u), 0xff800000u, (bits & 0x7fffffffu) > 0x7f800000u);
        return select(number | 0x80000000u, ~number, (number >> 31u) == 1u);
      }

      fn bits_of(key: u32) -> u32 {
        return select(~key, key & 0x7fffffffu, (key >> 31u) == 1u);
      }

      // Whether i must come before j.
      fn precedes(i: u32, j: u32) -> bool {
        return keys[i] > keys[j] || (keys[i] == keys[j] && names[i] < names[j]);
      }

      @compute @workgroup_size(${THREADS})
      fn main(
        @builtin(workgroup_id) workgroup: vec3<u32>,
        @builtin(num_workgroups) workgroups: vec3<u32>,
        @builtin(local_invocation_index) thread: u32,
      ) {
        for (var i = thread; i < ${CHUNK}u; i += ${THREADS}u) {
          let column = workgroup.x * ${CHUNK}u + i;
          // Places beyond the row come last: no number has key 0.
          keys[i] = 0u;
          names[i] = 0xffffffffu;
          if (column < params.count) {
            keys[i] = key_of(values[params.start + workgroup.y * params.row + column]);
            names[i] = column;
            if (params.has_ids == 1u) {
              names[i] = ids[workgroup.y * params.count + column];
            }
          }
        }
        for (var size = 2u; size <= ${CHUNK}u; size *= 2u) {
          for (var step = size / 2u; step > 0u; step /= 2u) {
            workgroupBarrier();
            for (var pair = thread; pair < ${CHUNK / 2}u; pair += ${THREADS}u) {
              let i = pair / step * step * 2u + pair % step;
              let j = i + step;
              // Every second run of a size is sorted the other way round.
              if (precedes(j, i) == ((i & size) == 0u)) {
                let key = keys[i];
                let name = names[i];
                keys[i] = keys[j];
                names[i] = names[j];
                keys[j] = key;
                names[j] = name;
              }
            }
          }
        }
        workgroupBarrier();
        let first = (workgroup.y * workgroups.x + workgroup.x) * params.k;
        for (var i = thread; i < params.k; i += ${THREADS}u) {
          top_values[first + i] = bits_of(keys[i]);
          top_ids[first + i] = names[i];
        }
      }
    `,
  )}\n`,
};

/** Returns the source of the kernel of this file. */
export const topSources = (): KernelSource[] => [topSource];
