import type { Gpu, Profile } from '../api.ts';
import { stateOf } from '../device/state.ts';
import { runSync } from '../dispatch/run-sync.ts';
import { ValidationError } from '../errors.ts';
import { TimestampTimer } from './timestamps.ts';
import { WallTimer } from './wall.ts';

/** Runs `fn` with every dispatch in a pass of its own, measured. */
export async function profileRun<T>(gpu: Gpu, fn: () => T): Promise<Profile<T>> {
  const { device, recorder, faults } = stateOf(gpu);
  if (recorder.timer)
    throw new ValidationError(
      'gpu.profile: profiles cannot be nested. Profile the outer call only.',
    );
  recorder.flush();
  const timer = gpu.capabilities.timestampQuery
    ? new TimestampTimer(device)
    : new WallTimer(device);
  recorder.timer = timer;
  let result: T;
  try {
    result = recorder.batch(() => {
      try {
        return runSync('gpu.profile', fn);
      } finally {
        // Also when a batch is open around this call: what it records later is not to be measured.
        recorder.flush();
      }
    });
  } finally {
    recorder.timer = undefined;
  }
  const spans = await faults.verdict(() => timer.spans());
  return { result, spans };
}
