import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Gpu, openGpu, type Tuning, UnsupportedError } from '@heed/core';
import { create, globals } from 'webgpu';
import { adapterName } from './bench-results.ts';

/** Dawn in this process, shared by all programs that use WebGPU from JavaScript. */
export interface GpuHost {
  readonly gpu: GPU;
  /** Vendor, architecture and description of the adapter. */
  readonly adapter: string;
  /** True if it computes on the CPU. */
  readonly isCpu: boolean;
  /** The tuning of heed, if any. */
  readonly tuning?: Tuning;
}

let host: Promise<GpuHost> | undefined;

/**
 * Opens Dawn once and assigns it to `navigator.gpu`, where jax-js and TensorFlow.js look for it. The module keeps Dawn for the life of
 * the process, since a collected instance crashes the objects made from it.
 * @throws UnsupportedError Dawn finds no adapter
 */
export function openGpuHost(): Promise<GpuHost> {
  host ??= open();
  return host;
}

async function open(): Promise<GpuHost> {
  Object.assign(globalThis, globals);
  // heed's own switches, so that all programs get the same device features.
  const gpu = create([
    'enable-dawn-features=vulkan_enable_f16_on_nvidia,allow_unsafe_apis',
    // Otherwise time stamps are rounded to 65 microseconds, as for web pages.
    'disable-dawn-features=timestamp_quantization',
  ]);
  Object.defineProperty(globalThis.navigator, 'gpu', { value: gpu, configurable: true });
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) {
    throw new UnsupportedError(
      'bench: Dawn found no WebGPU adapter. Set VK_DRIVER_FILES to a Vulkan driver, or run `npm run bench`, which finds one.',
    );
  }
  return { gpu, adapter: adapterName(adapter.info), isCpu: adapter.info.isFallbackAdapter };
}

/** Opens heed on that Dawn, on its fastest adapter. */
export function openHeed({ gpu, tuning }: GpuHost, label = 'bench'): Promise<Gpu> {
  const powerPreference = 'high-performance';
  return openGpu({ gpu, powerPreference, label, ...(tuning && { tuning }) });
}

/** Returns the installed version of a package, from the package.json above its entry; `exports` may hide that file. */
export function packageVersion(name: string): string {
  let folder = dirname(fileURLToPath(import.meta.resolve(name)));
  while (folder !== dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) {
      const manifest = JSON.parse(readFileSync(file, 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (manifest.name === name && manifest.version !== undefined) return manifest.version;
    }
    folder = dirname(folder);
  }
  throw new Error(`packageVersion: no package.json of ${name} above its entry. Run pnpm install.`);
}
