import { UNIFORM } from '../text/buffer-range.ts';
import { checkSignal, fail, LimitError, show, ValidationError } from '../text/errors.ts';
import type { Gpu } from '../text/gpu.ts';
import {
  checkBuffers,
  checkDispatch,
  type Dispatch,
  type Kernel,
  type KernelSource,
} from '../text/kernel-dispatch.ts';
import { WORKGROUP } from '../text/wgsl.ts';
import { createGroupOn } from './bind-groups.ts';
import { assertUsable, stateOf } from './gpu-state.ts';
import { detached } from './kernel-buffers.ts';
import { cachedCount, cachedKernel, cachedKernelAsync } from './kernel-cache.ts';
import { encodeDispatch, launcherOf } from './launcher.ts';

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
  checkSignal('getKernelAsync', signal);
  signal?.throwIfAborted();
  const { device, faults } = stateOf(gpu);
  return faults.unlessLost(cachedKernelAsync(device, source), signal);
}

/** Distinct kernels made on this Gpu's device so far. */
export function kernelCount(gpu: Gpu): number {
  return cachedCount(stateOf(gpu).device);
}

/** Launches a kernel: submitted at once, or with the open batch. */
export function dispatch(gpu: Gpu, d: Dispatch): void {
  const state = stateOf(gpu);
  checkDispatch(d, gpu.capabilities.limits.maxComputeWorkgroupsPerDimension);
  state.recorder.record({ ...d, bound: launcherOf(state).bind(d) });
}

/**
 * Submits what an open batch holds so far; the batch stays open. For the moment at which other software is to submit work of
 * its own that reads what was dispatched here.
 */
export function flush(gpu: Gpu): void {
  stateOf(gpu).recorder.flush();
}

/** Encodes a launch into a pass of the caller's, who submits it. */
export function encode(gpu: Gpu, pass: GPUComputePassEncoder, d: Dispatch): void {
  const { device, faults } = stateOf(gpu);
  if (typeof pass?.dispatchWorkgroups !== 'function') {
    fail('encode', 'pass must be a compute pass', show(pass), 'Use encoder.beginComputePass().');
  }
  checkDispatch(d, gpu.capabilities.limits.maxComputeWorkgroupsPerDimension);
  checkBuffers(d);
  const { kernel, buffers, params } = d;
  // Its parameters are of this dispatch alone, and so is its bind group.
  faults.scope(d.label ?? kernel.label, ['validation'], () => {
    const own = params && detached(device, params, UNIFORM);
    encodeDispatch(pass, d, createGroupOn(device)(kernel, buffers, own));
  });
}

/**
 * Folds a linear workgroup count over two dimensions of at most `max`. The shader recovers its number as
 * `wg.x + wg.y * num_workgroups.x` and returns when that is `total` or more.
 */
export function foldGrid(total: number, max: number): [x: number, y: number, z: number] {
  if (!Number.isSafeInteger(total) || total < 0) {
    throw new ValidationError(
      `dispatchGrid: the workgroup count must be a whole number from 0 on; got ${total}.`,
    );
  }
  if (total <= max) return [total, 1, 1];
  const y = Math.ceil(total / max);
  if (y > max) {
    throw new LimitError(
      `dispatchGrid: this device takes ${max} × ${max} workgroups; got ${total}. Split the problem.`,
    );
  }
  return [Math.ceil(total / y), y, 1];
}

/**
 * Workgroups for a linear count, over as many dimensions as the device's limit asks for. The shader recovers its number as
 * `wg.x + wg.y * num_workgroups.x` and returns when that is the count or more.
 *
 * @throws LimitError more than two dimensions hold
 */
export function dispatchGrid(gpu: Gpu, total: number): [x: number, y: number, z: number] {
  assertUsable(gpu);
  return foldGrid(total, gpu.capabilities.limits.maxComputeWorkgroupsPerDimension);
}

/** The grid of at least `threads` threads for a kernel whose entry point is {@link threadMain}. */
export function threadGrid(gpu: Gpu, threads: number): [x: number, y: number, z: number] {
  return dispatchGrid(gpu, Math.ceil(threads / WORKGROUP));
}
