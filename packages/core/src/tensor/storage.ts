import type { GpuState } from '../device/state.ts';

/** Memory that tensors look at. Views borrow it; owners keep it alive. */
export interface Storage {
  readonly buffer: GPUBuffer;
  /** heed allocated it, and so gives it back. */
  readonly pooled: boolean;
  owners: number;
}

/** One owner less; the memory goes back with the last. */
export function releaseStorage(state: GpuState, storage: Storage): void {
  if (--storage.owners > 0 || !storage.pooled) return;
  state.tensors--;
  if (state.disposed) storage.buffer.destroy();
  else state.recorder.release(storage.buffer);
}
