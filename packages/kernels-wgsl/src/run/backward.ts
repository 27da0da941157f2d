import type { Tensor } from '@heed/core';
import { bindTensor, dispatchGrid, elementCount, getKernel, placeholder } from '@heed/core/kernel';
import type { Call } from '../api/call.ts';
import type { BackwardConfig } from '../config/backward.ts';
import { variantHooks } from '../hooks/contract.ts';
import { backwardFields, backwardSource } from '../kernels/backward/backward.wgsl.ts';
import { type ForwardState, rowStates } from '../kernels/backward/delta.ts';
import { fillZero } from '../kernels/fill/fill.ts';
import { selectBackward } from '../plan/select.ts';
import { packParams } from '../wgsl/params.ts';
import { readBytes } from '../wgsl/read.wgsl.ts';
import { writeBytes } from '../wgsl/write.wgsl.ts';
import { readAccess, writeAccess } from './access.ts';
import { backwardValues, type BackwardLaunch } from './backward-values.ts';
import { bindCaptures } from './captures.ts';
import { gradientPair } from './gradient-pair.ts';
import { bindLengths } from './lengths.ts';
import type { Target } from './target.ts';

export interface Gradients {
  readonly dq: Tensor;
  readonly dk: Tensor;
  readonly dv: Tensor;
}

/** Runs the backward kernels of a checked call. */
export function runBackward(call: Call, state: ForwardState, target: Target): Gradients {
  const { gpu, q, k, v, dtype, kvDtype } = call;
  const side = bindLengths(target, call, rowStates(state));
  const captures = bindCaptures(target, call);
  const data = { dOut: state.dOut, side, captures };
  const dq = gpu.empty([...q.shape], { dtype, label: 'heed/dq' });
  const queries = { ...data, of: 'q', whole: dq, results: { out: dq } } as const;
  if (elementCount(dq.shape) > 0) launch(call, queries, dtype, writeAccess(dq), target);
  const pair = gradientPair(gpu, kvDtype, k.shape, v.shape);
  const { whole, dk, dv, write } = pair;
  // Keys that no sequence uses are not visited.
  if (call.lengths === 'varlen' || call.given.used) fillZero(target, whole);
  const keys = { ...data, of: 'kv', whole, results: { dk, dv } } as const;
  if (elementCount(dk.shape) > 0) launch(call, keys, kvDtype, write, target);
  whole.dispose();
  side.release();
  captures.release();
  return { dq, dk, dv };
}

function launch(
  call: Call,
  work: BackwardLaunch,
  resultType: BackwardConfig['resultType'],
  write: BackwardConfig['write'],
  target: Target,
): void {
  const { gpu, q, k, v, hooks } = call;
  const { dOut, of } = work;
  const config: BackwardConfig = {
    of,
    qType: call.dtype,
    kvType: call.kvDtype,
    headDim: call.headDim,
    headDimV: call.headDimV,
    lengths: call.lengths,
    keys: call.keys,
    hooks: variantHooks(hooks.map(({ hook }) => hook)),
    read: readAccess([q, k, v, dOut]),
    resultType,
    write,
    tile: selectBackward(gpu.capabilities, gpu.tuning),
  };
  const [qBytes, kvBytes] = [
    readBytes(config.qType, config.read),
    readBytes(config.kvType, config.read),
  ];
  const tensors = {
    q: bindTensor(q, qBytes),
    k: bindTensor(k, kvBytes),
    v: bindTensor(v, kvBytes),
    dout: bindTensor(dOut, qBytes),
    out: bindTensor(work.whole, writeBytes(resultType, write)),
  };
  const values = backwardValues(call, config, work, tensors);
  const blocks = hooks.find((bound) => bound.blocks)?.blocks;
  target.dispatch({
    kernel: getKernel(gpu, backwardSource(config)),
    buffers: [
      tensors.q.range,
      tensors.k.range,
      tensors.v.range,
      tensors.dout.range,
      work.side.range,
      blocks ? bindTensor(blocks).range : placeholder(gpu, 'read'),
      work.captures.range,
      tensors.out.range,
      target.uniform(packParams(backwardFields(config), values)),
    ],
    workgroups: dispatchGrid(gpu, values['units']!),
  });
}
