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

/** A kernel that is tuned separately: the forward pass, dq, or dk and dv. */
export type TunedKernel = 'forward' | 'q' | 'kv';

/** Values that a kernel wrote. */
export interface Output {
  readonly values: ArrayLike<number>;
  readonly dtype: FloatType;
}

/** The kernel that a tuning selects for one sample. */
export interface Attempt {
  readonly tile: TileConfig;
  readonly splits: number;
  readonly reason: string;
  readonly sources: () => readonly KernelSource[];
  /** Dispatches the kernel once, without reading the results. */
  readonly run: () => void;
  /** Runs the kernel and resolves to the results. Their memory never holds an earlier result. */
  readonly read: () => Promise<Output[]>;
}

/** Selects a kernel for a sample under a tuning. */
export type AttemptOf = (sample: Sample, tuning: Tuning) => Attempt;

/** Attempts the forward pass of a sample. */
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
      // NaN marks elements that the kernel fails to write; stale memory could hold another kernel's result.
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

/** Attempts one of the backward kernels on a sample, after computing the row states that it reads. */
export function gradientAttempt(of: 'q' | 'kv'): AttemptOf {
  return ({ call: given, state }, tuning): Attempt => {
    // Problems with `backward` and quantised pages were refused earlier.
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

// Buffers are reused. NaN marks elements that the next kernel fails to write.
function spoil(gradient: Tensor): void {
  const { buffer, gpu } = gradient;
  gpu.device.queue.writeBuffer(buffer, 0, new Float32Array(buffer.size / 4).fill(NaN));
  gradient.dispose();
}
