import { COPY_DST, COPY_SRC, MAP_READ, STORAGE } from '../text/buffer-range.ts';
import { DisposedError, fail, show } from '../text/errors.ts';
import type { Gpu } from '../text/gpu.ts';
import { BufferPool } from './buffer-pool.ts';
import { Faults, type Listener } from './faults.ts';
import { Recorder } from './recorder.ts';
import { UploadRing } from './upload-ring.ts';

/** The private half of a {@link Gpu}. */
export interface GpuState {
  readonly device: GPUDevice;
  readonly faults: Faults;
  readonly pool: BufferPool;
  readonly staging: BufferPool;
  readonly ring: UploadRing;
  readonly recorder: Recorder;
  readonly placeholders: Map<string, GPUBuffer>;
  /** Number of allocations whose tensors are not all disposed. */
  tensors: number;
  /** Tensors and other things made in the innermost open scope. */
  made: Set<Disposable> | undefined;
  disposed: boolean;
}

// In the global registry, so that another installed copy of this package finds it.
const gpuState = Symbol.for('heed.gpu');

/** Attaches the private half to a Gpu. */
export function attachState(gpu: Gpu, state: GpuState): void {
  Object.defineProperty(gpu, gpuState, { value: state });
}

/** Returns the private half, even if the Gpu is disposed or lost. */
export function rawState(gpu: Gpu): GpuState {
  return (gpu as unknown as Record<symbol, GpuState>)[gpuState] as GpuState;
}

export function createState(device: GPUDevice, listener: Listener): GpuState {
  const faults = new Faults(device, listener);
  const pool = new BufferPool(device, faults, STORAGE | COPY_SRC | COPY_DST);
  const ring = new UploadRing(device);
  return {
    device,
    faults,
    pool,
    staging: new BufferPool(device, faults, MAP_READ | COPY_DST),
    ring,
    recorder: new Recorder(ring, pool),
    placeholders: new Map(),
    tensors: 0,
    made: undefined,
    disposed: false,
  };
}

/** True for a Gpu that `openGpu` returned. */
export function isGpu(x: unknown): x is Gpu {
  return typeof x === 'object' && x !== null && gpuState in x;
}

/**
 * Returns the private half of a Gpu that can be used.
 * @throws ValidationError no Gpu
 * @throws DisposedError the Gpu was disposed
 * @throws DeviceLostError its device is lost
 */
export function stateOf(gpu: Gpu): GpuState {
  if (!isGpu(gpu)) {
    fail('heed', 'expected a Gpu', show(gpu), 'Pass what openGpu() resolved to.');
  }
  const state = rawState(gpu);
  if (state.disposed)
    throw new DisposedError(
      `heed: Gpu "${gpu.label}" was disposed. Open a new one with openGpu().`,
    );
  if (state.faults.lostError) throw state.faults.lostError;
  return state;
}

/**
 * Waits for `work` that may never settle because it does not come from the GPU. Rejects at once with the DeviceLostError when the
 * device is lost, or with the reason of the signal.
 */
export function unlessLost<T>(gpu: Gpu, work: Promise<T>, signal?: AbortSignal): Promise<T> {
  return stateOf(gpu).faults.unlessLost(work, signal);
}

/**
 * @throws DisposedError the Gpu was disposed
 * @throws DeviceLostError its device is lost
 */
export function assertUsable(gpu: Gpu): void {
  stateOf(gpu);
}
