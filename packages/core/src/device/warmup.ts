import { dispatch, getKernelAsync } from '../host/dispatch.ts';
import { placeholder } from '../host/kernel-buffers.ts';
import { bindTensor } from '../tensor/bind-tensor.ts';
import { fail, show } from '../text/errors.ts';
import type { Gpu } from '../text/gpu.ts';
import type { Kernel, KernelSource } from '../text/kernel-dispatch.ts';
import { type NamesOf, readOptions } from '../text/read-options.ts';

/** More bytes than the parameters of any kernel. */
const paramBytes = 4096;

/** Options of `warmup()`: how to follow and stop it. */
export interface WarmupOptions {
  /** Stops waiting. A running compilation goes on and serves later calls. */
  readonly signal?: AbortSignal;
  /** Called after each kernel, with the number of kernels that are ready, the number of all, and the label of the last. */
  readonly onProgress?: (done: number, total: number, label: string) => void;
}

export const warmupNames: NamesOf<WarmupOptions> = { signal: 1, onProgress: 1 };

/**
 * Compiles each kernel asynchronously, then dispatches it once and waits, since some drivers compile at the first dispatch. A kernel
 * must do nothing if its parameters are all 0.
 */
export async function warmup(
  gpu: Gpu,
  sources: readonly KernelSource[],
  options?: WarmupOptions,
  fn = 'warmup',
): Promise<void> {
  const { signal, onProgress } = readOptions(fn, options, warmupNames);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    fail(fn, 'onProgress must be a function', show(onProgress), 'Leave it out.');
  }
  for (const [i, source] of sources.entries()) {
    onProgress?.(i, sources.length, source.label);
    runEmpty(gpu, await getKernelAsync(gpu, source, signal));
    await gpu.settled();
    signal?.throwIfAborted();
  }
  onProgress?.(sources.length, sources.length, 'ready');
}

// One workgroup whose parameters are all 0 returns at once, since the amount of work is the first parameter of every kernel. A
// dispatch of no workgroups would not reach the driver.
function runEmpty(gpu: Gpu, kernel: Kernel): void {
  const storage = kernel.source.bindings.filter((kind) => kind !== 'uniform');
  const outputs = storage.map((kind) =>
    kind === 'write' ? gpu.empty([4], { label: 'heed/warm-up' }) : undefined,
  );
  gpu.batch(() => {
    const buffers = outputs.map((output) =>
      output ? bindTensor(output).range : placeholder(gpu, 'read'),
    );
    const params = new Uint32Array(paramBytes / 4);
    const label = `${kernel.label} (warm-up)`;
    dispatch(gpu, { kernel, buffers, params, workgroups: [1, 1, 1], label });
  });
  for (const output of outputs) output?.dispose();
}
