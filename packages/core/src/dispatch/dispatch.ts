import type { Gpu } from '../api.ts';
import { stateOf } from '../device/state.ts';
import { detached } from '../buffers/upload.ts';
import { UNIFORM } from '../buffers/usage.ts';
import { checkSignal, fail, show } from '../fail.ts';
import { launcherOf } from './launcher.ts';
import { createGroupOn } from './binding.ts';
import { checkBuffers, checkDispatch } from './check.ts';
import { cachedCount, cachedKernel, cachedKernelAsync } from './kernel-cache.ts';
import type { Dispatch, Kernel, KernelSource } from './kernel.ts';
import { encodeDispatch } from './submit.ts';

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
