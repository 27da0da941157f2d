import { bindTensor, dispatchGrid, getKernel, placeholder } from '@heed/core/kernel';
import type { Call } from '../api/call.ts';
import type { BackwardConfig } from '../config/backward.ts';
import { variantHooks } from '../hooks/contract.ts';
import { backwardFields, backwardSource } from '../kernels/backward/backward.wgsl.ts';
import { packParams, type ParamValues } from '../wgsl/params.ts';
import { readBytes } from '../wgsl/read.wgsl.ts';
import { writeBytes } from '../wgsl/write.wgsl.ts';
import { readAccess } from './access.ts';
import { backwardValues, type BackwardLaunch } from './backward-values.ts';
import type { Target } from './target.ts';

/** What all backward kernels of a call read beside q, k and v, and their tiles. */
export type Data = Pick<BackwardLaunch, 'dOut' | 'side' | 'captures' | 'tiles'>;

/** Dispatches one backward kernel. */
export function launch(
  call: Call,
  work: BackwardLaunch,
  resultType: BackwardConfig['resultType'],
  write: BackwardConfig['write'],
  target: Target,
  extra: ParamValues = {},
): void {
  const { gpu, q, k, v, hooks } = call;
  const { dOut, of, tiles } = work;
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
    tile: tiles(of),
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
  const values = { ...backwardValues(call, config, work, tensors), ...extra };
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
    ],
    params: packParams(backwardFields(config), values),
    workgroups: dispatchGrid(gpu, values['units']!),
  });
}
