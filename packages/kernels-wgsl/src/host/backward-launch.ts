import { bindTensor, dispatchGrid, placeholder } from '@heed/core/kernel';
import { backwardSource } from '../text/kernels/backward.wgsl.ts';
import { variantHooks } from '../text/parts/hook.ts';
import { packValues, type ParamValues } from '../text/parts/params.ts';
import { readBytes, writeBytes } from '../text/parts/row-access.wgsl.ts';
import type { BackwardConfig } from '../text/tiles/kernel-config.ts';
import type { Call } from './attention-call.ts';
import { type BackwardLaunch, backwardParameters } from './backward-values.ts';
import type { Target } from './launch-target.ts';
import { valuesOf } from './launch-values.ts';
import { readAccess } from './memory-layout.ts';

/** Inputs that all backward kernels of a call read besides q, k and v, and the kernels' tiles. */
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
  const source = backwardSource(config);
  const parameters = backwardParameters(call, config, work, tensors, extra);
  const blocks = hooks.find((bound) => bound.blocks)?.blocks;
  target.dispatch({
    source,
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
    params: packValues(source.fields, valuesOf(source.fields, parameters)),
    workgroups: dispatchGrid(gpu, parameters.grid.units),
  });
}
