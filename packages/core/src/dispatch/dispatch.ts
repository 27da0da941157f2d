import type { Gpu } from '../api.ts';
import { stateOf } from '../device/state.ts';
import { LimitError, ValidationError } from '../errors.ts';
import { cachedCount, cachedKernel, cachedKernelAsync } from './kernel-cache.ts';
import type { Dispatch, Kernel, KernelSource } from './kernel.ts';
import { createGroup } from './bind-groups.ts';
import { encodeDispatch } from './recorder.ts';
import { formatShape } from '../layout/shape.ts';

/**
 * The kernel for a source, from the device's cache or created now. What the compiler refuses rejects the next `read()` or
 * `settled()`, and is thrown by later calls for the same source.
 * @throws CompileError known already to be refused
 * @throws LimitError more storage buffers than the device binds
 */
export function getKernel(gpu: Gpu, source: KernelSource): Kernel {
  const { device, faults } = stateOf(gpu);
  return cachedKernel(device, faults, source);
}

/**
 * As {@link getKernel}, without blocking the host; rejects with the CompileError itself.
 * An abort rejects with `signal.reason`; the compilation goes on and serves later calls.
 */
export async function getKernelAsync(
  gpu: Gpu,
  source: KernelSource,
  signal?: AbortSignal,
): Promise<Kernel> {
  signal?.throwIfAborted();
  const { device, faults } = stateOf(gpu);
  return faults.unlessLost(cachedKernelAsync(device, source), signal);
}

/** Distinct kernels made on this Gpu's device so far. */
export function kernelCount(gpu: Gpu): number {
  return cachedCount(stateOf(gpu).device);
}

function checkDispatch({ kernel, buffers, workgroups }: Dispatch, max: number): void {
  const { bindings } = kernel.source;
  if (buffers.length !== bindings.length) {
    throw new ValidationError(
      `dispatch: kernel "${kernel.label}" has ${bindings.length} bindings; got ${buffers.length} buffers.`,
    );
  }
  for (const n of workgroups) {
    if (!Number.isInteger(n) || n < 0) {
      throw new ValidationError(
        `dispatch: workgroup counts must be whole numbers from 0 on; got ${formatShape(workgroups)} for "${kernel.label}".`,
      );
    }
    if (n > max) {
      throw new LimitError(
        `dispatch: at most ${max} workgroups per dimension; got ${formatShape(workgroups)} for "${kernel.label}". Fold them with dispatchGrid().`,
      );
    }
  }
  for (let i = 0; i < bindings.length; i++) {
    if (bindings[i] !== 'write') continue;
    const j = buffers.findIndex(
      (b, k) => k !== i && b.buffer === buffers[i]?.buffer && bindings[k] !== 'write',
    );
    if (j >= 0) {
      throw new ValidationError(
        `dispatch: kernel "${kernel.label}" would read (binding ${j}) and write (binding ${i}) one buffer, "${buffers[i]?.buffer.label}". Write to another buffer.`,
      );
    }
  }
}

/** Launches a kernel: submitted at once, or with the open batch. */
export function dispatch(gpu: Gpu, d: Dispatch): void {
  const { recorder } = stateOf(gpu);
  checkDispatch(d, gpu.capabilities.limits.maxComputeWorkgroupsPerDimension);
  recorder.dispatch(d);
}

/**
 * Submits what an open batch holds so far; the batch stays open. For the moment at which other software is to submit work of
 * its own that reads what was dispatched here.
 */
export function flush(gpu: Gpu): void {
  stateOf(gpu).recorder.flush();
}

/** Encodes a launch into a pass of the caller's, who submits it; parameters must come from `detachedUniform`. */
export function encode(gpu: Gpu, pass: GPUComputePassEncoder, d: Dispatch): void {
  const { device, faults } = stateOf(gpu);
  checkDispatch(d, gpu.capabilities.limits.maxComputeWorkgroupsPerDimension);
  // Its parameters are of this dispatch alone, and so is its bind group.
  faults.scope(d.label ?? d.kernel.label, ['validation'], () =>
    encodeDispatch(pass, d, createGroup(device, d)),
  );
}
