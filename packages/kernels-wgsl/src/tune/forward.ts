import { elementCount } from '@heed/core/kernel';
import { select } from '../plan/select.ts';
import { planSources } from '../plan/sources.ts';
import { factsOfCall } from '../plan/problem.ts';
import { outShape, runForward } from '../run/forward.ts';
import { recorderTarget } from '../run/target.ts';
import type { Attempt, AttemptOf, Output } from './attempt.ts';

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
