import type { Gpu } from '../api.ts';
import { type HeedError, UnsupportedError } from '../errors.ts';
import { fail, show } from '../fail.ts';
import type { Meant, NamesOf } from '../options/option-names.ts';
import { readOptions } from '../options/read-options.ts';
import { checkLabel } from '../tensor/shape-check.ts';
import type { Tuning } from '../tuning.ts';
import { readCapabilities, realLimits, wantedFeatures } from './capabilities.ts';
import { HeedGpu } from './gpu.ts';
import { dawnGpu, keepAlive } from './node.ts';
import { watchCompletion } from './nudge.ts';

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

export const openNames: NamesOf<OpenGpuOptions> = {
  device: 1,
  adapter: 1,
  gpu: 1,
  powerPreference: 1,
  // As far as its version is known, it may hold what another version of heed has put there.
  tuning: 'data',
  onError: 1,
  label: 1,
};

const meantOpen: Meant = () => ({ gpudevice: 'device', gpuadapter: 'adapter', name: 'label' });

// What is null was asked for and not there: another device in its place would be a surprise.
function checkMethod(name: string, given: object, method: string): void {
  if (typeof given?.[method as never] === 'function') return;
  fail('openGpu', `${name} must be WebGPU's`, show(given), `It has ${method}().`);
}

async function findAdapter({ gpu: given, powerPreference }: OpenGpuOptions): Promise<GPUAdapter> {
  const gpu = given === undefined ? (globalThis.navigator?.gpu ?? (await dawnGpu())) : given;
  checkMethod('gpu', gpu, 'requestAdapter');
  const adapter = await gpu.requestAdapter(powerPreference && { powerPreference });
  if (adapter) {
    keepAlive(adapter, gpu);
    return adapter;
  }
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
 * const gpu = await openGpu()                  // browser, or Node with `webgpu` installed
 * const shared = await openGpu({ device })     // your own device
 */
export async function openGpu(options?: OpenGpuOptions): Promise<Gpu> {
  const read = readOptions('openGpu', options, openNames, meantOpen);
  const { device: own, tuning, onError, label = 'heed' } = read;
  if (onError !== undefined && typeof onError !== 'function') {
    fail('openGpu', 'onError must be a function', show(onError), 'Leave it out for the console.');
  }
  checkLabel('openGpu', label);
  if (tuning !== undefined && tuning?.version !== 1) {
    const fix = 'Tune again with this version of heed.';
    fail('openGpu', 'tuning.version must be 1', show(tuning?.version), fix);
  }
  if (![undefined, 'low-power', 'high-performance'].includes(read.powerPreference)) {
    const rule = "powerPreference must be 'low-power' or 'high-performance'";
    fail('openGpu', rule, show(read.powerPreference), 'Leave it out.');
  }
  if (own !== undefined) {
    checkMethod('device', own, 'createComputePipeline');
    const capabilities = readCapabilities(own, read.adapter?.info);
    await watchCompletion(own);
    return new HeedGpu({
      device: own,
      capabilities,
      tuning,
      label,
      owned: false,
      onError,
    });
  }
  const { adapter = await findAdapter(read) } = read;
  checkMethod('adapter', adapter, 'requestDevice');
  const device = await requestDevice(adapter, label);
  keepAlive(device, adapter);
  const capabilities = readCapabilities(device, adapter.info);
  await watchCompletion(device);
  return new HeedGpu({ device, capabilities, tuning, label, owned: true, onError });
}
