import { Faults } from '../../src/host/faults.ts';
import type { HeedError } from '../../src/text/errors.ts';

/** A buffer that records its contents and whether it was destroyed. */
export interface FakeBuffer {
  label: string;
  size: number;
  usage: number;
  destroyed: boolean;
  bytes: Uint8Array;
}

type ScopeEnd = {
  readonly resolve: (error: GPUError | null) => void;
  readonly reject: (error: unknown) => void;
};

/** The part of a GPUDevice that buffers and error scopes need; records every effect. */
export class FakeDevice {
  readonly buffers: FakeBuffer[] = [];
  readonly writes: { label: string; offset: number; size: number }[] = [];
  /** Popped scopes, in order, to be resolved by the test. */
  readonly scopes: ScopeEnd[] = [];
  openScopes = 0;
  readonly limits: { maxBufferSize: number };
  readonly lost: Promise<{ reason: string; message: string }>;
  readonly lose: (info: { reason: string; message: string }) => void;

  constructor(maxBufferSize: number = 2 ** 20) {
    this.limits = { maxBufferSize };
    const { promise, resolve } = Promise.withResolvers<{ reason: string; message: string }>();
    this.lost = promise;
    this.lose = resolve;
  }

  readonly queue = {
    // As WebGPU counts: `from` and `count` in elements of `data`.
    writeBuffer: (
      buffer: FakeBuffer,
      offset: number,
      data: Uint8Array | Uint32Array,
      from: number,
      count: number,
    ): void => {
      const size = count * data.BYTES_PER_ELEMENT;
      const start = data.byteOffset + from * data.BYTES_PER_ELEMENT;
      this.writes.push({ label: buffer.label, offset, size });
      buffer.bytes.set(new Uint8Array(data.buffer, start, size), offset);
    },
  };

  createBuffer({
    label = '',
    size,
    usage,
  }: GPUBufferDescriptor): FakeBuffer & { destroy: () => void } {
    const buffer = {
      label,
      size,
      usage,
      destroyed: false,
      bytes: new Uint8Array(size),
      destroy: (): void => {
        buffer.destroyed = true;
      },
    };
    this.buffers.push(buffer);
    return buffer;
  }

  pushErrorScope(): void {
    this.openScopes++;
  }

  popErrorScope(): Promise<GPUError | null> {
    this.openScopes--;
    const { promise, resolve, reject } = Promise.withResolvers<GPUError | null>();
    this.scopes.push({ resolve, reject });
    return promise;
  }

  /** Raises an error that no scope caught. */
  uncaptured: (event: { error: GPUError; preventDefault: () => void }) => void = () => {};

  addEventListener(_: string, listener: FakeDevice['uncaptured']): void {
    this.uncaptured = listener;
  }

  removeEventListener(): void {
    this.uncaptured = () => {};
  }

  asDevice(): GPUDevice {
    return this as unknown as GPUDevice;
  }
}

/** Makes an error as a scope reports it: its class gives its kind. */
export function fakeError(
  kind: 'Validation' | 'OutOfMemory' | 'Internal',
  message: string,
): GPUError {
  const classes = {
    Validation: class GPUValidationError extends Error {},
    OutOfMemory: class GPUOutOfMemoryError extends Error {},
    Internal: class GPUInternalError extends Error {},
  };
  return new classes[kind](message);
}

/** The faults of a fake device, and the list of those that no call awaited. */
export function newFaults(device: FakeDevice, owned = true): { faults: Faults; told: HeedError[] } {
  const told: HeedError[] = [];
  const faults = new Faults(device.asDevice(), { tell: (error) => told.push(error), owned });
  return { faults, told };
}
