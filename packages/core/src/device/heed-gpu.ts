import { TimestampTimer, WallTimer } from '../host/dispatch-timers.ts';
import { attachState, createState, rawState, stateOf } from '../host/gpu-state.ts';
import { emptyTensor, tensorFrom, tensorFromBytes, wrapBuffer } from '../tensor/create-tensor.ts';
import { scopeRun } from '../tensor/tensor-scope.ts';
import type { Capabilities, Tuning } from '../text/capabilities.ts';
import type { DType, DTypeOf, TypedArray } from '../text/dtype.ts';
import { type DeviceLostError, type HeedError, runSync, ValidationError } from '../text/errors.ts';
import type {
  BytesOptions,
  EmptyOptions,
  Gpu,
  Memory,
  Profile,
  Tensor,
  TensorOptions,
  WrapOptions,
} from '../text/gpu.ts';

/** The device of a Gpu, and the options of `openGpu`. */
interface GpuParts {
  readonly device: GPUDevice;
  readonly capabilities: Capabilities;
  readonly tuning: Tuning | undefined;
  readonly label: string;
  /** True if heed created the device and must destroy it. */
  readonly owned: boolean;
  readonly onError: ((error: HeedError) => void) | undefined;
}

// oxlint-disable-next-line no-console -- a fault that no call awaits must be seen
const onConsole = (error: HeedError): void => console.error(error);

export class HeedGpu implements Gpu {
  readonly device: GPUDevice;
  readonly capabilities: Capabilities;
  readonly tuning: Tuning | undefined;
  readonly label: string;
  readonly #parts: GpuParts;

  constructor(parts: GpuParts) {
    this.device = parts.device;
    this.capabilities = parts.capabilities;
    this.tuning = parts.tuning;
    this.label = parts.label;
    this.#parts = parts;
    const { device, owned, onError: tell = onConsole } = parts;
    attachState(this, createState(device, { tell, owned }));
  }

  get lost(): Promise<DeviceLostError> {
    return rawState(this).faults.lost;
  }

  tensor<Data extends ArrayLike<number> | TypedArray, D extends DType = DTypeOf<Data>>(
    data: Data,
    options: TensorOptions<D>,
  ): Tensor<D> {
    return tensorFrom(this, data, options) as Tensor<D>;
  }

  empty<D extends DType = 'f32'>(shape: readonly number[], options?: EmptyOptions<D>): Tensor<D> {
    return emptyTensor(this, shape, options) as Tensor<D>;
  }

  wrap<D extends DType>(buffer: GPUBuffer, options: WrapOptions<D>): Tensor<D> {
    return wrapBuffer(this, buffer, options) as Tensor<D>;
  }

  fromBytes<D extends DType>(
    bytes: ArrayBufferView | ArrayBuffer,
    options: BytesOptions<D>,
  ): Tensor<D> {
    return tensorFromBytes(this, bytes, options) as Tensor<D>;
  }

  memory(): Memory {
    const { tensors, pool, staging } = stateOf(this);
    const { bytes, peakBytes } = pool;
    return { tensors, bytes, pooledBytes: pool.freeBytes + staging.freeBytes, peakBytes };
  }

  scope<T>(fn: () => T): T {
    return scopeRun(this, fn);
  }

  batch<T>(fn: () => T): T {
    return stateOf(this).recorder.batch(() => runSync('gpu.batch', fn));
  }

  async settled(): Promise<void> {
    const { recorder, faults, device } = stateOf(this);
    recorder.flush();
    await faults.verdict(() => device.queue.onSubmittedWorkDone());
  }

  profile<T>(fn: () => T): Promise<Profile<T>> {
    return profileRun(this, fn);
  }

  dispose(): void {
    const state = rawState(this);
    if (state.disposed) return;
    state.disposed = true;
    state.faults.close();
    state.recorder.drop();
    state.pool.close();
    state.staging.close();
    state.ring.close();
    for (const buffer of state.placeholders.values()) buffer.destroy();
    if (this.#parts.owned) this.device.destroy();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Runs `fn` and measures each dispatch, which gets its own pass. */
async function profileRun<T>(gpu: Gpu, fn: () => T): Promise<Profile<T>> {
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
        // In an outer batch too: its later dispatches must not be measured.
        recorder.flush();
      }
    });
  } finally {
    recorder.timer = undefined;
  }
  const spans = await faults.verdict(() => timer.spans());
  return { result, spans };
}
