import type { Tensor, Tuning } from '@heed/core';
import { elementCount, type KernelSource } from '@heed/core/kernel';
import { factsOfCall, type FloatCall } from '../host/attention-call.ts';
import { runGradient } from '../host/backward-pass.ts';
import { outShape, runForward } from '../host/forward-pass.ts';
import { recorderTarget } from '../host/launch-target.ts';
import { gradientSource, planSources } from '../plan/plan-sources.ts';
import { select, selectBackward } from '../select/selection.ts';
import type { FloatType } from '../text/parts/kinds.ts';
import type { TileConfig } from '../text/tiles/tile-paths.ts';
import type { Sample } from './sample.ts';

/** A kernel that is tuned by itself: the forward pass, dq, or dk and dv. */
export type TunedKernel = 'forward' | 'q' | 'kv';

/** What a kernel wrote. */
export interface Output {
  readonly values: ArrayLike<number>;
  readonly dtype: FloatType;
}

/** What a tuning comes to on one sample. */
export interface Attempt {
  readonly tile: TileConfig;
  readonly splits: number;
  readonly reason: string;
  readonly sources: () => readonly KernelSource[];
  /** Dispatches it once; nothing is read. */
  readonly run: () => void;
  /** The results, in memory that held none before. */
  readonly read: () => Promise<Output[]>;
}

/** How a kernel is chosen and run on a sample. */
export type AttemptOf = (sample: Sample, tuning: Tuning) => Attempt;

/** The forward pass of a sample. */
export const forwardAttempt: AttemptOf = ({ problem, call }, tuning): Attempt => {
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
    sources: () => planSources(problem, selection, !gpu.capabilities.f16),
    run: () => run(call),
    read: async (): Promise<Output[]> => {
      const shape = outShape(call);
      // What a kernel leaves out must not look like what another one left there.
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
  return ({ problem, hooks, call: given, state }, tuning): Attempt => {
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
      sources: () => [gradientSource(problem, hooks, of, tile, !gpu.capabilities.f16)],
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

// Memory finds a second use: what another kernel leaves out must not look like what this one left there.
function spoil(gradient: Tensor): void {
  const { buffer, gpu } = gradient;
  gpu.device.queue.writeBuffer(buffer, 0, new Float32Array(buffer.size / 4).fill(NaN));
  gradient.dispose();
}
