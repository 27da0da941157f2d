import type { Gpu } from '../api.ts';
import { type HeedError, UnsupportedError, ValidationError } from '../errors.ts';
import { checkObject, fail, show } from '../fail.ts';
import type { Tuning } from '../tuning.ts';
import { readCapabilities, realLimits, wantedFeatures } from './capabilities.ts';
import { HeedGpu } from './gpu.ts';
import { dawnGpu, keepAlive } from './node.ts';

/** Where the device comes from; the first of `device`, `adapter`, `gpu` that is given wins. */
export interface OpenGpuOptions {
  /** Used as it is: heed asks it for nothing it does not have, and never destroys it. */
  readonly device?: GPUDevice;
  /** Beside `device`, only its `info` is read: subgroup-matrix configurations are not known from the device alone. */
  readonly adapter?: GPUAdapter;
  /** Default: `navigator.gpu`, else the optional peer dependency `webgpu`. */
  readonly gpu?: GPU;
  readonly powerPreference?: GPUPowerPreference;
  readonly tuning?: Tuning;
  /**
   * Hears of what went wrong on the GPU side (compile, memory, validation, a lost device) and what nobody had awaited by the end
   * of the next task, with `read()`, `settled()` or `profile()`; of a loss also `gpu.lost`. Each error once. The default puts
   * them on the console. Errors of your own work on the device stay yours: heed neither takes nor hears them.
   */
  readonly onError?: (error: HeedError) => void;
  /** Default 'heed'. */
  readonly label?: string;
}

async function findAdapter(gpu: GPU, powerPreference?: GPUPowerPreference): Promise<GPUAdapter> {
  const adapter = await gpu.requestAdapter(powerPreference && { powerPreference });
  if (adapter) return adapter;
  throw new UnsupportedError(
    'openGpu: WebGPU is here, but it found no adapter. In a browser, see chrome://gpu or webgpureport.org; on Linux, install a ' +
      'Vulkan driver (mesa-vulkan-drivers has a software one) and point VK_DRIVER_FILES at it; or pass { device }.',
  );
}

function requestDevice(adapter: GPUAdapter, label: string): Promise<GPUDevice> {
  return adapter.requestDevice({
    label,
    requiredFeatures: wantedFeatures.filter((feature) =>
      adapter.features.has(feature),
    ) as GPUFeatureName[],
    requiredLimits: { ...realLimits(adapter.limits) },
  });
}

/**
 * Opens a GPU, with the adapter's real limits and every optional feature that heed can use.
 * @throws UnsupportedError no WebGPU, or no adapter; the message says what to do
 * @throws ValidationError an option is of the wrong kind
 * @example
 * using gpu = await openGpu()                  // browser, or Node with `webgpu` installed
 * using shared = await openGpu({ device })     // your own device
 */
export async function openGpu(options: OpenGpuOptions = {}): Promise<Gpu> {
  checkObject('openGpu', options);
  const { device: given, tuning, onError, label = 'heed' } = options;
  if (onError !== undefined && typeof onError !== 'function') {
    fail('openGpu', 'onError must be a function', show(onError), 'Leave it out for the console.');
  }
  if (tuning !== undefined && tuning.version !== 1) {
    throw new ValidationError(
      `openGpu: tuning.version must be 1; got ${String(tuning.version)}. Tune again with this version of heed.`,
    );
  }
  if (given) {
    if (typeof given.createComputePipeline !== 'function') {
      throw new ValidationError(
        'openGpu: device must be a GPUDevice. Pass what adapter.requestDevice() resolved to.',
      );
    }
    const capabilities = readCapabilities(given, options.adapter?.info);
    return new HeedGpu({
      device: given,
      capabilities,
      tuning,
      label,
      owned: false,
      onError,
    });
  }
  const gpu = options.adapter
    ? undefined
    : (options.gpu ?? globalThis.navigator?.gpu ?? (await dawnGpu()));
  const adapter = options.adapter ?? (await findAdapter(gpu as GPU, options.powerPreference));
  const device = await requestDevice(adapter, label);
  if (gpu) keepAlive(device, gpu);
  const capabilities = readCapabilities(device, adapter.info);
  return new HeedGpu({ device, capabilities, tuning, label, owned: true, onError });
}
