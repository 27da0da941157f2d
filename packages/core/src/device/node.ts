import { UnsupportedError } from '../errors.ts';

interface DawnModule {
  create(options: string[]): GPU;
}

// Subgroup matrices are behind unsafe APIs; older NVIDIA drivers hide shader-f16 behind the other. Time stamps are rounded
// to 65 µs unless told otherwise, which is longer than many a dispatch.
const flags = [
  'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia',
  'disable-dawn-features=timestamp_quantization',
];

// Dawn crashes when the object that create() returned is collected while anything made from it lives.
const keptAlive = new WeakMap<object, object>();

/** Ties the life of a GPU object or an adapter to what was made from it. */
export function keepAlive(made: object, from: object): void {
  keptAlive.set(made, from);
}

// One for all, since Dawn writes its warnings to stderr for each.
let instance: GPU | undefined;

/**
 * Dawn from the optional peer dependency `webgpu`, for runtimes without `navigator.gpu`.
 * @throws UnsupportedError it is not installed or cannot load
 */
export async function dawnGpu(): Promise<GPU> {
  // A name that bundlers cannot see, since the package is optional and native.
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
