import type { Tensor } from '@heed/core';
import type { FloatCall } from '../api/call.ts';
import { gradientSource } from '../plan/backward-sources.ts';
import { factsOfCall } from '../plan/problem.ts';
import { selectBackward } from '../plan/select-backward.ts';
import { runGradient } from '../run/backward.ts';
import { recorderTarget } from '../run/target.ts';
import type { Attempt, AttemptOf, Output } from './attempt.ts';

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
