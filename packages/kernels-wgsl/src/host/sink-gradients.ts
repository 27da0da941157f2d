import type { Tensor } from '@heed/core';
import { bindTensor, wgsl } from '@heed/core/kernel';
import { rowShapes } from '../select/row-shapes.ts';
import { type ComposedKernel, composeKernel } from '../text/parts/kernel-parts.ts';
import { packParams, u32Fields } from '../text/parts/params.ts';
import { softmaxWgsl } from '../text/parts/softmax.wgsl.ts';
import type { Call } from './attention-call.ts';
import type { Target } from './launch-target.ts';
import type { BoundLengths } from './packed-words.ts';

const THREADS = 64;

/**
 * Computes dSink = −Σ P(sink)·delta over a head's rows; the sink has no value vector, so dP is 0 and only delta contributes.
 * One workgroup per head. Each thread sums every 64th row, and a tree reduction keeps the order of summation fixed.
 */
export const sinksSource: ComposedKernel = composeKernel({
  label: 'heed/sink gradients',
  head: [softmaxWgsl('two')],
  bindings: [
    { name: 'side', kind: 'read', element: 'u32' },
    { name: 'sinks', kind: 'read', element: 'u32' },
    { name: 'result', kind: 'write', element: 'f32' },
  ],
  parts: [
    {
      fields: [
        ...u32Fields('heads', 'batch', 'length', 'states', 'state_plane'),
        ...u32Fields('sinks', 'sinks_stride'),
      ],
      text: wgsl`
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
        result[head] = partial[0];
      }
    }
      `,
    },
  ],
});

/** Returns the gradient with respect to the sinks, f32 [Hq]. */
export function sinkGradients(target: Target, call: Call, side: BoundLengths): Tensor {
  const { qHeads, seqlenQ, lengths } = call;
  const sinks = call.options.sinks!;
  const bound = bindTensor(sinks);
  const dSinks = target.result('dSinks', [qHeads]);
  if (qHeads === 0) return dSinks;
  const batch = rowShapes[lengths].outer(call.batch);
  const values = {
    heads: qHeads,
    batch,
    length: seqlenQ,
    states: side.values.derived,
    state_plane: batch * qHeads * seqlenQ,
    sinks: bound.elementOffset,
    sinks_stride: sinks.strides[0]!,
  };
  target.dispatch({
    source: sinksSource,
    buffers: [side.range, bound.range, bindTensor(dSinks).range],
    params: packParams(sinksSource.fields, values),
    workgroups: [qHeads, 1, 1],
  });
  return dSinks;
}
