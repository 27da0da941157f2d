import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Gpu, openGpu } from '@heed/core';
import { create, globals } from 'webgpu';
import { asNvidia } from './nvidia-gpu.ts';

/** A Gpu of a Radeon family that the machine does not have, on the null driver. */
export interface NullGpu {
  readonly gpu: Gpu;
  /** The driver's name and version. */
  readonly driver: string;
  /** The WGSL of the kernels compiled so far, by label. */
  readonly wgsl: ReadonlyMap<string, string>;
}

// As openGpu has it, and with labels: they tie the driver's records to kernels.
const dawnFlags = [
  'enable-dawn-features=allow_unsafe_apis,use_user_defined_labels_in_backend',
  'backend=vulkan',
];

// Dawn crashes if the object that create() returned is collected before everything made from it.
const instances = new Map<string, GPU>();

/** Returns Dawn on a family. RADV reads the family once per instance, so that one process has devices of several families. */
function dawnFor(family: string): GPU {
  const known = instances.get(family);
  if (known) return known;
  Object.assign(globalThis, globals);
  process.env['RADV_FORCE_FAMILY'] = family;
  const dawn = create(dawnFlags);
  instances.set(family, dawn);
  return dawn;
}

/** The device that the null driver is to have. */
export interface NullDevice {
  readonly family: string;
  /** Whether heed is to choose its kernels as for NVIDIA's devices. */
  readonly isNvidia?: boolean;
}

/**
 * Opens a Gpu of a family. `path` forces a tile path of heed's, unless it is ''.
 * @throws UnsupportedError the driver knows no such family
 */
export async function openNullGpu(
  { family, isNvidia = false }: NullDevice,
  path: string,
): Promise<NullGpu> {
  const tuning = path === '' ? undefined : ({ version: 1, force: { path } } as const);
  const dawn = dawnFor(family);
  const gpu = await openGpu({ gpu: isNvidia ? asNvidia(dawn) : dawn, ...(tuning && { tuning }) });
  return { gpu, driver: gpu.capabilities.adapter.description, wgsl: keepTexts(gpu.device) };
}

function keepTexts(device: GPUDevice): Map<string, string> {
  const texts = new Map<string, string>();
  const createModule = device.createShaderModule.bind(device);
  device.createShaderModule = (descriptor) => {
    texts.set(descriptor.label ?? '', descriptor.code);
    return createModule(descriptor);
  };
  return texts;
}

/** A folder of records, which is removed when it is disposed. */
export interface RecordFolder extends Disposable {
  readonly folder: string;
}

/** Makes a folder in which the null driver records the pipelines of this process from now on. */
export function recordPipelines(): RecordFolder {
  const folder = mkdtempSync(join(tmpdir(), 'heed-inspect-'));
  process.env['HEED_RECORDS'] = folder;
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}
