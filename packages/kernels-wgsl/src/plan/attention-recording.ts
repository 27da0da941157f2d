import { DisposedError } from '@heed/core';
import {
  assertAlive,
  type BoundDispatch,
  encodeBound,
  fail,
  isTensor,
  launchBound,
  scoped,
  show,
} from '@heed/core/kernel';
import { type Call, tensorsRead } from '../host/attention-call.ts';
import type { AttentionResult } from '../host/attention-options.ts';
import { runForward } from '../host/forward-pass.ts';
import { boundTarget, KeptScratch } from '../host/launch-target.ts';
import type { Selection } from '../select/selection.ts';

/**
 * A forward pass that is bound to its tensors. `out`, and `lse` and `max` if asked for, have no contents before the first replay.
 */
export type AttentionRecording = AttentionResult &
  Disposable & {
    /**
     * Runs the recorded pass, at once or with the open batch.
     * @throws DisposedError the recording, or a tensor that it reads or writes, was disposed
     * @throws GpuError the GPU had no memory for the recording, or refused its buffers
     */
    replay(): void;
    /**
     * Encodes the recorded pass into the caller's compute pass; the caller ends and submits it, and disposes the recording and its
     * tensors only after that.
     * @throws as `replay`
     */
    encode(pass: GPUComputePassEncoder): void;
    /** Frees scratch memory. The results stay, as those of a run. */
    dispose(): void;
  };

/** Binds a checked call with a chosen kernel. */
export function makeRecording(call: Call, selection: Selection): AttentionRecording {
  checkLists(call);
  const { gpu } = call;
  const kept = new KeptScratch();
  const dispatches: BoundDispatch[] = [];
  const result = runForward(call, selection, boundTarget(gpu, dispatches, kept));
  const tensors = [...tensorsRead(call), ...Object.values(result)];
  let disposed = false;

  const check = (fn: string): void => {
    if (disposed) throw new DisposedError(`${fn}: this recording was disposed. Record again.`);
    for (const tensor of tensors) assertAlive(fn, tensor);
  };
  const dispose = (): void => {
    disposed = true;
    kept.dispose();
  };
  return scoped(gpu, {
    ...result,
    replay: () => {
      check('recording.replay');
      launchBound(gpu, dispatches);
    },
    encode: (pass) => {
      check('recording.encode');
      encodeBound(gpu, pass, dispatches);
    },
    dispose,
    [Symbol.dispose]: dispose,
  } satisfies AttentionRecording);
}

/** A list of the host could not change between replays, so a recording that took one would go on with old lengths. */
function checkLists({ fn, given }: Call): void {
  const { cuQ, cuK, used, table } = given;
  const lists = { cuSeqlensQ: cuQ, cuSeqlensK: cuK, seqUsedK: used, blockTable: table };
  for (const [name, list] of Object.entries(lists)) {
    if (list === undefined || isTensor(list)) continue;
    const rule = `${name} must be a tensor, which each replay reads anew`;
    fail(fn, rule, `${show(list)}(${list.length})`, `Upload it once: gpu.tensor(${name}, …).`);
  }
}
