import { UNIFORM } from '../text/buffer-range.ts';
import { checkSignal, fail, GpuError, LimitError, show, ValidationError } from '../text/errors.ts';
import type { Gpu } from '../text/gpu.ts';
import {
  checkBuffers,
  checkDispatch,
  type Dispatch,
  type Kernel,
  type KernelSource,
} from '../text/kernel-dispatch.ts';
import { WORKGROUP } from '../text/wgsl.ts';
import { makeGroup } from './bind-groups.ts';
import { assertUsable, stateOf } from './gpu-state.ts';
import { detached } from './kernel-buffers.ts';
import { cachedCount, cachedKernel, cachedKernelAsync } from './kernel-cache.ts';
import { encodeDispatch, launcherOf, watchedGroups } from './launcher.ts';
import type { BoundDispatch } from './recorder.ts';

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
  const { kernel, workgroups, label } = d;
  const bindGroup = launcherOf(state).bindGroupOf(d);
  state.recorder.record({ kernel, workgroups, bindGroup, ...(label && { label }) });
}

/**
 * Submits the dispatches of an open batch; the batch stays open. Call it before other software submits work that reads their
 * results.
 */
export function flush(gpu: Gpu): void {
  stateOf(gpu).recorder.flush();
}

/**
 * Binds a dispatch for any number of launches: its bind group and the memory of its parameters serve nothing else, so the caller
 * may submit it at a time unknown to heed. Neither keeps the memory of a tensor alive.
 */
export function bindDispatch(gpu: Gpu, d: Dispatch): BoundDispatch {
  const { device, faults } = stateOf(gpu);
  checkDispatch(d, gpu.capabilities.limits.maxComputeWorkgroupsPerDimension);
  checkBuffers(d);
  const { kernel, buffers, params, workgroups, label } = d;
  const own = params && detached(device, params, UNIFORM);
  const bindGroup = makeGroup(watchedGroups(device, faults), kernel, buffers, own);
  return { kernel, workgroups, bindGroup, ...(label && { label }) };
}

/**
 * Launches bound dispatches in order, at once or with the open batch.
 * @throws GpuError the GPU has refused the bind group of one
 */
export function launchBound(gpu: Gpu, list: readonly BoundDispatch[]): void {
  const state = stateOf(gpu);
  list.forEach(assertBound);
  if (list.length === 0) return;
  launcherOf(state);
  state.recorder.record(...list);
}

/**
 * Encodes bound dispatches in order into a compute pass of the caller, who submits it.
 * @throws GpuError the GPU has refused the bind group of one
 */
export function encodeBound(
  gpu: Gpu,
  pass: GPUComputePassEncoder,
  list: readonly BoundDispatch[],
): void {
  assertUsable(gpu);
  if (typeof pass?.dispatchWorkgroups !== 'function') {
    fail('encode', 'pass must be a compute pass', show(pass), 'Use encoder.beginComputePass().');
  }
  list.forEach(assertBound);
  for (const one of list) encodeDispatch(pass, one);
}

// The first launch reports what WebGPU said of the bind group; later ones would do nothing, and no error would follow.
function assertBound({ bindGroup, kernel }: BoundDispatch): void {
  if (!bindGroup.isRefused) return;
  throw new GpuError(
    `dispatch: the GPU refused the buffers of "${kernel.label}" when they were bound. Bind them again.`,
    'validation',
  );
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
