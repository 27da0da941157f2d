import type { Tensor, Tuning } from '@heed/core';
import { elementCount, type KernelSource } from '@heed/core/kernel';
import { factsOfCall, type FloatCall } from '../host/attention-call.ts';
import { runGradient } from '../host/backward-pass.ts';
import { outShape, runForward } from '../host/forward-pass.ts';
import { kernelsOf, recorderTarget } from '../host/launch-target.ts';
import { select, selectBackward } from '../select/selection.ts';
import type { FloatType } from '../text/parts/kinds.ts';
import type { TileConfig } from '../text/tiles/tile-paths.ts';
import type { Sample } from './sample.ts';

/** A kernel that is tuned by itself: the forward pass, dq, or dk and dv. */
export type TunedKernel = 'forward' | 'q' | 'kv';

/** Numbers that a kernel wrote. */
export interface Output {
  readonly values: ArrayLike<number>;
  readonly dtype: FloatType;
}

/** A tuning's choice for one sample. */
export interface Attempt {
  readonly tile: TileConfig;
  readonly splits: number;
  readonly reason: string;
  readonly sources: () => readonly KernelSource[];
  /** Dispatches it once; nothing is read. */
  readonly run: () => void;
  /** Resolves to the results; their memory held no result before. */
  readonly read: () => Promise<Output[]>;
}

/** How a kernel is chosen and run on a sample. */
export type AttemptOf = (sample: Sample, tuning: Tuning) => Attempt;

/** The forward pass of a sample. */
export const forwardAttempt: AttemptOf = ({ call }, tuning): Attempt => {
  const { gpu, dtype } = call;
  const selection = select(factsOfCall(call), gpu.capabilities, tuning);
  const { config, splits, reason } = selection;
  const run = (into: typeof call): void => {
    runForward(into, selection, recorderTarget(gpu)).lse?.dispose();
  };
  return {
    tile: config.tile,
    splits,
    reason,
    sources: () => kernelsOf(gpu, (target) => runForward(call, selection, target)).own,
    run: () => run(call),
    read: async (): Promise<Output[]> => {
      const shape = outShape(call);
      // An element that the kernel does not write must not pass for another kernel's result.
      const blank = new Float32Array(elementCount(shape)).fill(NaN);
      const out = gpu.tensor(blank, { shape, dtype });
      try {
        run({ ...call, options: { ...call.options, out } });
        return [{ values: await out.read(), dtype }];
      } finally {
        out.dispose();
      }
    },
  };
};

/** One of the backward kernels on a sample, after the row states that it reads. */
export function gradientAttempt(of: 'q' | 'kv'): AttemptOf {
  return ({ call: given, state }, tuning): Attempt => {
    // Problems of quantised pages with gradients are refused.
    const call = given as FloatCall;
    const { gpu, dtype, kvDtype } = call;
    const selection = selectBackward(factsOfCall(call), of, gpu.capabilities, tuning);
    const { tile, reason } = selection;
    const run = (): Tensor[] =>
      gpu.batch(() => runGradient(of, call, state!, recorderTarget(gpu), tile));
    return {
      tile,
      splits: 1,
      reason,
      sources: () => kernelsOf(gpu, (target) => runGradient(of, call, state!, target, tile)).own,
      run: () => {
        for (const gradient of run()) gradient.dispose();
      },
      read: async (): Promise<Output[]> => {
        const gradients = run();
        const outputs: Output[] = [];
        for (const gradient of gradients) {
          outputs.push({ values: await gradient.read(), dtype: of === 'q' ? dtype : kvDtype });
        }
        for (const gradient of gradients) spoil(gradient);
        return outputs;
      },
    };
  };
}

// Memory is used again: an element that the next kernel does not write must not pass for its result.
function spoil(gradient: Tensor): void {
  const { buffer, gpu } = gradient;
  gpu.device.queue.writeBuffer(buffer, 0, new Float32Array(buffer.size / 4).fill(NaN));
  gradient.dispose();
}
