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
 * Returns the kernel of a source from the device's cache, or creates it. If the compiler refuses it, the next `read()` or
 * `settled()` rejects, and later calls for the same source throw.
 * @throws CompileError the compiler has refused this source
 * @throws LimitError more storage buffers than the device binds
 */
export function getKernel(gpu: Gpu, source: KernelSource): Kernel {
  const { device, faults } = stateOf(gpu);
  return cachedKernel(device, faults, source);
}

/**
 * Does the same as {@link getKernel} without blocking the host; rejects with the CompileError itself. After an abort it rejects
 * with `signal.reason`, while the compilation goes on and serves later calls.
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

/** Returns the number of distinct kernels created on this Gpu's device. */
export function kernelCount(gpu: Gpu): number {
  return cachedCount(stateOf(gpu).device);
}

/** Launches a kernel. It is submitted at once, or with the open batch. */
export function dispatch(gpu: Gpu, d: Dispatch): void {
  const state = stateOf(gpu);
  checkDispatch(d, gpu.capabilities.limits.maxComputeWorkgroupsPerDimension);
  state.recorder.record({ ...d, bindGroup: launcherOf(state).bindGroupOf(d) });
}

/**
 * Submits the dispatches of an open batch; the batch stays open. Call it before other software submits work that reads their
 * results.
 */
export function flush(gpu: Gpu): void {
  stateOf(gpu).recorder.flush();
}

/** Encodes a dispatch into a compute pass of the caller, who submits it. */
export function encode(gpu: Gpu, pass: GPUComputePassEncoder, d: Dispatch): void {
  const { device, faults } = stateOf(gpu);
  if (typeof pass?.dispatchWorkgroups !== 'function') {
    fail('encode', 'pass must be a compute pass', show(pass), 'Use encoder.beginComputePass().');
  }
  checkDispatch(d, gpu.capabilities.limits.maxComputeWorkgroupsPerDimension);
  checkBuffers(d);
  const { kernel, buffers, params } = d;
  // The caller submits at an unknown time, so the parameters and the bind group serve this dispatch only.
  faults.scope(d.label ?? kernel.label, ['validation'], () => {
    const own = params && detached(device, params, UNIFORM);
    encodeDispatch(pass, d, createGroupOn(device)(kernel, buffers, own));
  });
}

/** Folds a linear workgroup count over two dimensions of at most `max`; see {@link dispatchGrid}. */
export function foldGrid(total: number, max: number): [x: number, y: number, z: number] {
  if (!Number.isSafeInteger(total) || total < 0) {
    throw new ValidationError(
      `dispatchGrid: the workgroup count must be a whole number from 0 on; got ${total}. Round it up.`,
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
 * Returns the grid for a linear count of workgroups, over two dimensions where the count exceeds the device's limit. The shader
 * computes its number as `wg.x + wg.y * num_workgroups.x` and returns if that is not below the count.
 *
 * @throws LimitError two dimensions do not hold the count
 */
export function dispatchGrid(gpu: Gpu, total: number): [x: number, y: number, z: number] {
  assertUsable(gpu);
  return foldGrid(total, gpu.capabilities.limits.maxComputeWorkgroupsPerDimension);
}

/** Returns a grid of at least `threads` threads, for a kernel whose entry point is {@link threadMain}. */
export function threadGrid(gpu: Gpu, threads: number): [x: number, y: number, z: number] {
  return dispatchGrid(gpu, Math.ceil(threads / WORKGROUP));
}
