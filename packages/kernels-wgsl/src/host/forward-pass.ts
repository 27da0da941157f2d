import type { DType, Tensor } from '@heed/core';
import { adopt, bindTensor, dispatchGrid, elementCount, placeholder } from '@heed/core/kernel';
import { rowShapes } from '../select/row-shapes.ts';
import { knownSelection, type Selection } from '../select/selection.ts';
import { forwardSource } from '../text/kernels/forward.wgsl.ts';
import type { ComposedKernel } from '../text/parts/kernel-parts.ts';
import { packValues } from '../text/parts/params.ts';
import { readBytes, writeBytes } from '../text/parts/row-access.wgsl.ts';
import type { ForwardConfig } from '../text/tiles/kernel-config.ts';
import { type Call, factsOfCall } from './attention-call.ts';
import type { AttentionResult } from './attention-options.ts';
import { combine } from './combine.ts';
import { forwardLaunch, type ForwardTensors, type LaunchData } from './forward-values.ts';
import { checkMemory, recorderTarget, type Target } from './launch-target.ts';
import { valuesOf } from './launch-values.ts';
import { type MemoryLayout, readAccess, writeAccess } from './memory-layout.ts';
import { bindCaptures, bindLengths } from './packed-words.ts';

/** Runs a checked call with the kernel that its problem selects. */
export function runCall(call: Call, keepsStates = false): ForwardResult {
  const { gpu } = call;
  const selection = knownSelection(gpu, factsOfCall(call));
  return gpu.batch(() => runForward(call, selection, recorderTarget(gpu), keepsStates));
}

/** What a run gives. */
export interface ForwardResult extends AttentionResult {
  /** Where they are kept: [3, …], of which lse is the first plane, and owns the memory; row maximum and row sum are the others. */
  readonly states?: Tensor;
}

/**
 * Runs a checked call with a chosen kernel.
 * @param keepsStates whether a gradient will want row maxima and sums, and so an lse too
 */
export function runForward(
  call: Call,
  selection: Selection,
  target: Target,
  keepsStates = false,
): ForwardResult {
  const { dtype, options } = call;
  const { splits } = selection;
  if (splits > 1) checkPartials(target, call, splits);
  const out = options.out ?? target.result('out', outShape(call), dtype);
  const kept = keepsStates ? ownedStates(target, lseShape(call)) : undefined;
  const lse = kept?.lse ?? (options.returnLse ? target.result('lse', lseShape(call)) : undefined);
  if (elementCount(out.shape) > 0) {
    const lengths = bindLengths(target, call);
    const captures = bindCaptures(target, call);
    const data = { out, lse, states: kept?.states, lengths, captures };
    if (splits === 1) launch(call, selection, target, data);
    else launchSplit(call, selection, target, data);
    lengths.release();
    captures.release();
  }
  if (kept) return { out, ...kept };
  return lse ? { out, lse } : { out };
}

// Each split writes a state of its own in f32.
function launchSplit(call: Call, selection: Selection, target: Target, data: LaunchData): void {
  const { splits } = selection;
  const shape = [splits, ...lseShape(call)];
  const out = target.scratch('split out', [splits, ...outShape(call)]);
  const states = data.states && target.scratch('split states', [3, ...shape]);
  const lse = states ? firstPlane(states) : target.scratch('split lse', shape);
  launch(call, selection, target, { ...data, out, lse, states });
  combine(target, {
    part: { out, lse },
    out: data.out,
    lse: data.lse,
    ...(states && { states: { part: states, result: data.states } }),
  });
  target.free(out);
  target.free(states ?? lse);
}

/** Row states whose memory is there for as long as lse is. */
function ownedStates(
  target: Target,
  shape: number[],
): Required<Pick<ForwardResult, 'lse' | 'states'>> {
  const whole = target.result('lse', [3, ...shape]);
  const [lse, states] = [adopt(firstPlane(whole)), whole.reshape(whole.shape)];
  whole.dispose();
  return { lse, states };
}

const firstPlane = <D extends DType>(states: Tensor<D>): Tensor<D> =>
  states.slice(0, 0, 1).reshape(states.shape.slice(1));

function checkPartials(target: Target, call: Call, splits: number): void {
  const words = splits * elementCount(outShape(call));
  const fix = `Use fewer than ${splits} splits, or numSplits: 1.`;
  checkMemory(target, call.fn, words, 'the partial results of all splits', fix);
}

function launch(call: Call, selection: Selection, target: Target, data: LaunchData): void {
  const { gpu, q, k, v, hooks } = call;
  const blocks = hooks.find((bound) => bound.blocks)?.blocks;
  const { config, source } = forwardKernel(selection, [q, k, v], data.out);
  const kvBytes = readBytes(config.kvType, config.read);
  const tensors: ForwardTensors = {
    q: bindTensor(q, readBytes(config.qType, config.read)),
    k: bindTensor(k, kvBytes),
    v: bindTensor(v, kvBytes),
    out: bindTensor(data.out, writeBytes(config.outType, config.write)),
    lse: data.lse && bindTensor(data.states ?? data.lse),
  };
  const work = forwardLaunch(call, selection, tensors, data);
  target.dispatch({
    source,
    buffers: [
      tensors.q.range,
      tensors.k.range,
      tensors.v.range,
      data.lengths.range,
      blocks ? bindTensor(blocks).range : placeholder(gpu, 'read'),
      data.captures.range,
      tensors.out.range,
      tensors.lse?.range ?? placeholder(gpu, 'write'),
    ],
    params: packValues(source.fields, valuesOf(source.fields, work)),
    workgroups: dispatchGrid(gpu, work.grid.units),
  });
}

type Sizes = Pick<Call, 'lengths' | 'batch' | 'qHeads' | 'seqlenQ' | 'headDimV'>;

export const outShape = (sizes: Sizes): number[] => rowShapes[sizes.lengths].outShape(sizes);
const lseShape = (sizes: Sizes): number[] => rowShapes[sizes.lengths].lseShape(sizes);

/** What a selection comes to once it is known how the tensors lie in memory. */
interface ForwardKernel {
  readonly config: ForwardConfig;
  readonly source: ComposedKernel;
}

const known = new WeakMap<Selection, ForwardKernel[]>();

/** The kernel of a selection for tensors that lie so; found again without its name being spelled out. */
function forwardKernel(
  selection: Selection,
  inputs: readonly MemoryLayout[],
  out: MemoryLayout,
): ForwardKernel {
  const read = readAccess(inputs);
  const write = writeAccess(out);
  const outType = out.dtype as ForwardConfig['outType'];
  let kernels = known.get(selection);
  if (!kernels) known.set(selection, (kernels = []));
  for (const kernel of kernels) {
    const { config } = kernel;
    if (config.read === read && config.write === write && config.outType === outType) return kernel;
  }
  const config = { ...selection.config, outType, read, write };
  const kernel = { config, source: forwardSource(config) };
  kernels.push(kernel);
  return kernel;
}
