import { alignUp, COPY_DST, COPY_SRC, STORAGE } from '../text/buffer-range.ts';
import { LimitError } from '../text/errors.ts';
import { breathing } from './completion.ts';
import type { Faults } from './faults.ts';

const smallest = 256;
const keptBytes = 256 * 2 ** 20;

/** Rounds a size up to one of four steps per power of two, so that buffers of similar sizes can be reused. */
export function bucketSize(bytes: number, maxBufferSize: number): number {
  if (bytes <= smallest) return Math.min(smallest, maxBufferSize);
  const step = 2 ** (Math.floor(Math.log2(bytes - 1)) - 2);
  const bucket = alignUp(bytes, step);
  return bucket <= maxBufferSize ? bucket : alignUp(bytes, 4);
}

/** @throws LimitError more bytes than one buffer holds on this device */
function checkBufferSize(fn: string, bytes: number, max: number): void {
  if (bytes <= max) return;
  throw new LimitError(
    `${fn}: one buffer holds at most ${max} bytes on this device; got ${bytes} bytes. Split the tensor.`,
  );
}

/** Buffers of one usage, reused by size. A buffer may be released once all work that uses it has been submitted. */
export class BufferPool {
  /** For tests: overwrites the contents of a buffer when it is handed out. */
  poison: ((buffer: GPUBuffer) => void) | undefined;
  readonly #device: GPUDevice;
  readonly #faults: Faults;
  readonly #usage: GPUBufferUsageFlags;
  readonly #free = new Map<number, GPUBuffer[]>();
  /** Bytes of the free buffers. */
  freeBytes = 0;
  /** Bytes of the buffers in use. */
  bytes = 0;
  /** Largest value that `bytes` has had. */
  peakBytes = 0;
  readonly #failed = new WeakSet<GPUBuffer>();
  readonly #ages = new WeakMap<GPUBuffer, number>();
  #made = 0;
  #closed = false;

  constructor(device: GPUDevice, faults: Faults, usage: GPUBufferUsageFlags) {
    this.#device = device;
    this.#faults = faults;
    this.#usage = usage;
  }

  /** Returns a buffer of at least `bytes`, with undefined contents. */
  acquire(fn: string, bytes: number, label: string): GPUBuffer {
    const max = this.#device.limits.maxBufferSize;
    checkBufferSize(fn, bytes, max);
    const size = bucketSize(bytes, max);
    const reused = this.#free.get(size)?.pop();
    if (reused) {
      this.freeBytes -= size;
      this.taken(size);
      if (reused.label !== label) reused.label = label;
      this.poison?.(reused);
      return reused;
    }
    const fresh: GPUBuffer = this.#faults.scope(
      fn,
      ['validation', 'out-of-memory'],
      () => this.#device.createBuffer({ label, size, usage: this.#usage }),
      () => {
        // The failed buffer must not be reused, and the next attempt needs all the memory that can be freed.
        this.#failed.add(fresh);
        this.drop();
      },
    );
    this.#ages.set(fresh, this.#made++);
    this.taken(size);
    this.poison?.(fresh);
    return fresh;
  }

  /** Counts bytes as in use until `release`. */
  taken(size: number): void {
    this.bytes += size;
    this.peakBytes = Math.max(this.peakBytes, this.bytes);
  }

  release(buffer: GPUBuffer): void {
    const { size } = buffer;
    this.bytes -= size;
    const reusable = size === bucketSize(size, this.#device.limits.maxBufferSize);
    const kept = reusable && !this.#closed && !this.#failed.has(buffer);
    if (!kept || this.freeBytes + size > keptBytes) {
      buffer.destroy();
      return;
    }
    let bucket = this.#free.get(size);
    if (!bucket) this.#free.set(size, (bucket = []));
    // The oldest buffer is last and is used first: a training step then gets the same buffers as the step before it, whatever the order of release.
    let i = bucket.length;
    while (i > 0 && this.#age(bucket[i - 1]!) < this.#age(buffer)) i--;
    bucket.splice(i, 0, buffer);
    this.freeBytes += size;
  }

  #age(buffer: GPUBuffer): number {
    return this.#ages.get(buffer) ?? Infinity;
  }

  /** Destroys the free buffers; from now on a released buffer is destroyed at once. */
  close(): void {
    this.#closed = true;
    this.drop();
  }

  /** Destroys the free buffers, so that others can have their memory. */
  drop(): void {
    for (const bucket of this.#free.values()) for (const buffer of bucket) buffer.destroy();
    this.#free.clear();
    this.freeBytes = 0;
  }
}

/** The parts of a Gpu that {@link tryBuffer} works with. */
interface PoolOwner {
  readonly device: GPUDevice;
  readonly faults: Faults;
  readonly pool: BufferPool;
}

/**
 * Allocates a large buffer without rounding its size up. Resolves to undefined if the device has no memory for it, so that the
 * caller knows before it uses the buffer. Destroys the pool's free buffers first. The pool takes the buffer back by `release`.
 */
export async function tryBuffer(
  { device, faults, pool }: PoolOwner,
  fn: string,
  bytes: number,
  label: string,
): Promise<GPUBuffer | undefined> {
  checkBufferSize(fn, bytes, device.limits.maxBufferSize);
  const size = Math.max(4, alignUp(bytes, 4));
  const usage = STORAGE | COPY_SRC | COPY_DST;
  pool.drop();
  const { result, error } = await faults.scope(fn, ['validation'], () =>
    attempt(device, faults, 'out-of-memory', () => device.createBuffer({ label, size, usage })),
  );
  if (error) {
    result.destroy();
    return undefined;
  }
  pool.taken(size);
  pool.poison?.(result);
  return result;
}

/** A result, and the GPU error that occurred on the way. */
interface Attempt<T> {
  readonly result: T;
  readonly error: GPUError | null;
}

/** Runs `fn` in an error scope; resolves with its result and the captured error, which is reported nowhere else. */
export async function attempt<T>(
  device: GPUDevice,
  faults: Faults,
  filter: GPUErrorFilter,
  fn: () => T,
): Promise<Attempt<T>> {
  device.pushErrorScope(filter);
  let result: T;
  let popped: Promise<GPUError | null>;
  try {
    result = fn();
  } finally {
    popped = device.popErrorScope();
  }
  const error = await faults.unlessLost(breathing(device.adapterInfo, popped));
  return { result, error };
}
