import type { Tensor } from '@heed/core';
import { bindTensor, getKernel, type KernelSource, sections, wgsl } from '@heed/core/kernel';
import { softmaxWgsl } from '../text/parts/softmax.wgsl.ts';
import type { Call } from './attention-call.ts';
import type { Target } from './launch-target.ts';
import type { BoundLengths } from './packed-words.ts';

const THREADS = 64;

/**
 * dSink = −Σ P(sink)·delta over a head's rows: the sink has no value, so only delta speaks. One workgroup per head; each thread
 * sums every 64th row, and the threads meet in a tree, so that the order is always the same.
 */
export const sinksSource: KernelSource = {
  label: 'heed/sink gradients',
  bindings: ['read', 'read', 'write', 'uniform'],
  code: `${sections(
    softmaxWgsl('two'),
    wgsl`
    struct Params {
      heads: u32,
      batch: u32,
      length: u32,
      states: u32,
      state_plane: u32,
      sinks: u32,
      sinks_stride: u32,
      first: u32,
    }

    @group(0) @binding(0) var<storage, read> side: array<u32>;
    @group(0) @binding(1) var<storage, read> sinks: array<u32>;
    @group(0) @binding(2) var<storage, read_write> result: array<f32>;
    @group(0) @binding(3) var<uniform> params: Params;

    var<workgroup> partial: array<f32, ${THREADS}>;

    @compute @workgroup_size(${THREADS})
    fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
      let head = workgroup.x;
      let logit = softmax_score(sinks[params.sinks + head * params.sinks_stride]);
      var sum = 0.0;
      for (var i = lane; i < params.batch * params.length; i += ${THREADS}u) {
        let row = (i / params.length * params.heads + head) * params.length + i % params.length;
        let at = params.states + row;
        let norm = bitcast<f32>(side[at + params.state_plane]);
        // What an empty row has for delta may be anything.
        if (norm > 0.0) {
          let weight = softmax_weight(logit, bitcast<f32>(side[at])) * norm;
          sum -= weight * bitcast<f32>(side[at + 2u * params.state_plane]);
        }
      }
      partial[lane] = sum;
      workgroupBarrier();
      for (var half = ${THREADS / 2}u; half > 0u; half /= 2u) {
        if (lane < half) {
          partial[lane] += partial[lane + half];
        }
        workgroupBarrier();
      }
      if (lane == 0u) {
        result[params.first + head] = partial[0];
      }
    }
  `,
  )}\n`,
};

/** The gradient by the sinks, f32 [Hq]. */
export function sinkGradients(target: Target, call: Call, side: BoundLengths): Tensor {
  const { gpu, qHeads, seqlenQ, lengths } = call;
  const sinks = call.options.sinks!;
  const bound = bindTensor(sinks);
  const dSinks = gpu.empty([qHeads], { label: 'heed/dSinks' });
  if (qHeads === 0) return dSinks;
  const batch = lengths === 'dense' ? call.batch : 1;
  const first = side.values.derived;
  const rows = batch * qHeads * seqlenQ;
  const where = [first, rows, bound.elementOffset, sinks.strides[0]!];
  const params = Uint32Array.of(qHeads, batch, seqlenQ, ...where, 0);
  target.dispatch({
    kernel: getKernel(gpu, sinksSource),
    buffers: [side.range, bound.range, bindTensor(dSinks).range],
    params,
    workgroups: [qHeads, 1, 1],
  });
  return dSinks;
}
