import type { Tensor } from '@heed/core';
import {
  bindTensor,
  dispatchGrid,
  getKernel,
  placeholder,
} from '@heed/core/kernel';
import type { Call } from '../api/call.ts';
import type { AttentionResult } from '../api/options.ts';
import { type ForwardConfig } from '../config/forward.ts';
import { combine } from '../kernels/combine/combine.ts';
import { forwardFields, forwardSource } from '../kernels/forward/forward.wgsl.ts';
import type { Selection } from '../plan/select.ts';
import { packParams } from '../wgsl/params.ts';
import { readBytes } from '../wgsl/read.wgsl.ts';
import { writeBytes } from '../wgsl/write.wgsl.ts';
import { readAccess, writeAccess } from './access.ts';
import { type BoundCaptures, bindCaptures } from './captures.ts';
import { type BoundLengths, bindLengths } from './lengths.ts';
import type { Target } from './target.ts';
import { forwardValues, type ForwardTensors } from './values.ts';

/** Runs a checked call with a chosen kernel. */
export function runForward(call: Call, selection: Selection, target: Target): AttentionResult {
  const { gpu } = call;
  const out = call.options.out ?? gpu.empty(outShape(call), { dtype: call.dtype, label: 'heed/out' });
  const lse = call.options.returnLse ? gpu.empty(lseShape(call), { label: 'heed/lse' }) : undefined;
  if (out.shape.every((n) => n > 0) || (lse?.shape.every((n) => n > 0) ?? false)) {
    const lengths = bindLengths(target, call);
    const captures = bindCaptures(target, call);
    if (selection.splits === 1) {
      launch(call, selection, target, { out, lse, lengths, captures });
    } else {
      launchSplit(call, selection, target, { out, lse, lengths, captures });
    }
    lengths.release();
    captures.release();
  }
  return lse ? { out, lse } : { out };
}

interface Bound {
  readonly out: Tensor;
  readonly lse: Tensor | undefined;
  readonly lengths: BoundLengths;
  readonly captures: BoundCaptures;
}

// Each split writes a state of its own in f32.
function launchSplit(call: Call, selection: Selection, target: Target, bound: Bound): void {
  const { splits } = selection;
  const part = {
    out: target.scratch('split out', [splits, ...outShape(call)]),
    lse: target.scratch('split lse', [splits, ...lseShape(call)]),
  };
  launch(call, selection, target, { ...bound, ...part });
  combine(target, { part, out: bound.out, lse: bound.lse });
  target.free(part.out);
  target.free(part.lse);
}

function launch(call: Call, selection: Selection, target: Target, bound: Bound): void {
  const { gpu, q, k, v } = call;
  const config = forwardConfig(selection, [q, k, v], bound.out);
  const kvBytes = readBytes(config.kvType, config.read);
  const tensors: ForwardTensors = {
    q: bindTensor(q, readBytes(config.qType, config.read)),
    k: bindTensor(k, kvBytes),
    v: bindTensor(v, kvBytes),
    out: bindTensor(bound.out, writeBytes(config.outType, config.write)),
    lse: bound.lse && bindTensor(bound.lse),
  };
  const values = forwardValues(call, selection, tensors, bound);
  if (values.units === 0) return;
  target.dispatch({
    kernel: getKernel(gpu, forwardSource(config)),
    buffers: [
      tensors.q.range,
      tensors.k.range,
      tensors.v.range,
      bound.lengths.range,
      placeholder(gpu, 'read'),
      bound.captures.range,
      tensors.out.range,
      tensors.lse?.range ?? placeholder(gpu, 'write'),
      target.uniform(packParams(forwardFields(config), values)),
    ],
    workgroups: dispatchGrid(gpu, values.units!),
  });
}

/** The selection's config, completed by how the tensors lie in memory. */
export function forwardConfig(selection: Selection, inputs: readonly Tensor[], out: Tensor): ForwardConfig {
  return {
    ...selection.config,
    outType: out.dtype as ForwardConfig['outType'],
    read: readAccess(inputs),
    write: writeAccess(out),
  };
}

export function outShape({ lengths, batch, qHeads, seqlenQ, headDimV }: Call): number[] {
  return lengths === 'dense' ? [batch, qHeads, seqlenQ, headDimV] : [seqlenQ, qHeads, headDimV];
}

export function lseShape({ lengths, batch, qHeads, seqlenQ }: Call): number[] {
  return lengths === 'dense' ? [batch, qHeads, seqlenQ] : [qHeads, seqlenQ];
}

