import { watchCompletion } from '../host/completion.ts';
import { readCapabilities, realLimits, type Tuning, wantedFeatures } from '../text/capabilities.ts';
import { checkLabel, fail, type HeedError, show, UnsupportedError } from '../text/errors.ts';
import type { Gpu } from '../text/gpu.ts';
import { type Meant, type NamesOf, readOptions } from '../text/read-options.ts';
import { HeedGpu } from './heed-gpu.ts';

/** Options of {@link openGpu}. The first of `device`, `adapter` and `gpu` that is given decides the device. */
export interface OpenGpuOptions {
  /** Your own device. heed uses the features it has, and never destroys it. In Node, pass its `gpu` too, which has WGSL's features. */
  readonly device?: GPUDevice;
  /** With `device`, only its `info` is read, which has the subgroup-matrix configurations that a device lacks. */
  readonly adapter?: GPUAdapter;
  /** Default: `navigator.gpu`, else the optional peer dependency `webgpu`. */
  readonly gpu?: GPU;
  readonly powerPreference?: GPUPowerPreference;
  readonly tuning?: Tuning;
  /**
   * Called with each error of the GPU side (compile, memory, validation, a lost device) that no `read()`, `settled()` or `profile()`
   * awaits by the end of the next task; a loss may also be awaited by `gpu.lost`. Called once per error. The default writes to the
   * console. Errors of your own work on the device are not passed to it.
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
  // Other versions of heed may add fields, so its names are not checked; its version is.
  tuning: 'data',
  onError: 1,
  label: 1,
};

const meantOpen: Meant = () => ({ gpudevice: 'device', gpuadapter: 'adapter', name: 'label' });

// null means that the caller's own request failed. Another device in its place would be a surprise.
function checkMethod(name: string, given: object, method: string): void {
  if (typeof given?.[method as never] === 'function') return;
  fail(
    'openGpu',
    `${name} must be WebGPU's`,
    show(given),
    `Pass an object with ${method}(); await its promise first.`,
  );
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
    'openGpu: WebGPU found no adapter. In a browser, see chrome://gpu or webgpureport.org; on Linux, install a ' +
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
 * Opens a GPU with the adapter's real limits and all optional features that heed uses.
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
    const capabilities = readCapabilities(own, {
      adapterInfo: read.adapter?.info,
      language: languageOf(own, read.gpu),
    });
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
  const capabilities = readCapabilities(device, {
    adapterInfo: adapter.info,
    language: languageOf(adapter, read.gpu),
  });
  await watchCompletion(device);
  return new HeedGpu({ device, capabilities, tuning, label, owned: true, onError });
}

interface DawnModule {
  create(options: string[]): GPU;
}

// The first allows subgroup matrices, the second shader-f16 on older NVIDIA drivers. The third stops rounding time stamps to 65 µs,
// which is longer than many dispatches take.
const flags = [
  'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia',
  'disable-dawn-features=timestamp_quantization',
];

// Dawn crashes if the object that create() returned is collected before everything made from it.
const keptAlive = new WeakMap<object, object>();

/** Keeps `from` alive as long as `made`, which was made from it. */
function keepAlive(made: object, from: object): void {
  keptAlive.set(made, from);
}

/** Returns the features of WGSL where a device or adapter was made: by `given`, by heed, or by the browser. */
function languageOf(made: object, given: GPU | undefined): WGSLLanguageFeatures | undefined {
  const from = keptAlive.get(made);
  if (from && !('wgslLanguageFeatures' in from)) return languageOf(from, given);
  const gpu = (from as GPU | undefined) ?? given ?? globalThis.navigator?.gpu;
  return gpu?.wgslLanguageFeatures;
}

// One instance for all, since each writes Dawn's warnings to stderr.
let instance: GPU | undefined;

/**
 * Returns Dawn from the optional peer dependency `webgpu`, for runtimes without `navigator.gpu`.
 * @throws UnsupportedError `webgpu` is not installed or does not load
 */
async function dawnGpu(): Promise<GPU> {
  // In a variable, so that bundlers do not follow it: the package is optional and native.
  const name = 'webgpu';
  if (instance) return instance;
  try {
    const dawn = (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as DawnModule;
    return (instance ??= dawn.create(flags));
  } catch (cause) {
    throw new UnsupportedError(
      "openGpu: there is no WebGPU here: navigator.gpu is missing and the package 'webgpu' did not load. " +
        'In a browser, use one with WebGPU over https or localhost (see webgpureport.org); in Node, npm install webgpu; or pass { device }.',
      { cause },
    );
  }
}
