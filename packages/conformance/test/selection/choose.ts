// Chooses the cases of the quick run by the kernels that each dispatches on this machine's adapter, and writes selection.json.
//   pnpm choose
// The kernels of attention, which take nearly all the time to compile, do nothing here: only their names and texts count.
import { writeFileSync } from 'node:fs';
import { openGpu } from '@heed/core';
import { casesOf } from '../../src/run/select-cases.ts';
import { type Recorded, selectionOf } from './cover.ts';

const gpu = await openGpu();
const watched = watchKernels(gpu.device);
const recorded: Recorded[] = [];
const cases = casesOf({});
for (const one of cases) {
  watched.clear();
  const before = process.cpuUsage();
  // Its outputs are wrong, and so is its status.
  await one.run(gpu).catch(() => {});
  const kernels = [...watched];
  const { user, system } = process.cpuUsage(before);
  const host = one.tags.includes('host');
  recorded.push({ id: one.id, kernels, host, ms: (user + system) / 1000 });
  if (recorded.length % 100 === 0) console.error(`${recorded.length} of ${cases.length} cases`);
}
const file = new URL('selection.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(selectionOf(recorded), null, 2)}\n`);
if (process.env['HEED_RECORD'] !== undefined) {
  writeFileSync(process.env['HEED_RECORD'], JSON.stringify(recorded));
}
process.exit(0); // Dawn can keep the event loop alive

const NOTHING = '@compute @workgroup_size(1) fn main() {}';

function isDear({ label = '' }: { label?: string }): boolean {
  return /^heed\/(forward|backward)/.test(label);
}

/** Notes the labels of the kernels that a device dispatches, from here on; kernels of one label and different code are told apart. */
function watchKernels(device: GPUDevice): Set<string> {
  const used = new Set<string>();
  const names = new WeakMap<GPUComputePipeline, string>();
  const codes = new WeakMap<GPUShaderModule, string>();
  const known = new Map<string, string[]>();

  const nameOf = ({ label = '', compute }: GPUComputePipelineDescriptor): string => {
    const variants = known.get(label) ?? [];
    known.set(label, variants);
    const code = codes.get(compute.module)!;
    if (!variants.includes(code)) variants.push(code);
    const variant = variants.indexOf(code);
    return variant === 0 ? label : `${label} | variant ${variant}`;
  };

  replace(device, 'createShaderModule', (create) => (descriptor) => {
    const module = create(isDear(descriptor) ? { ...descriptor, code: NOTHING } : descriptor);
    codes.set(module, descriptor.code);
    return module;
  });
  replace(device, 'createComputePipeline', (create) => (descriptor) => {
    const pipeline = create(descriptor);
    names.set(pipeline, nameOf(descriptor));
    return pipeline;
  });
  replace(device, 'createComputePipelineAsync', (create) => async (descriptor) => {
    const pipeline = await create(descriptor);
    names.set(pipeline, nameOf(descriptor));
    return pipeline;
  });
  replace(device, 'createCommandEncoder', (create) => (descriptor) => {
    const encoder = create(descriptor);
    replace(encoder, 'beginComputePass', (begin) => (options) => {
      const pass = begin(options);
      replace(pass, 'setPipeline', (set) => (pipeline) => {
        used.add(names.get(pipeline) ?? 'a kernel from before');
        set(pipeline);
      });
      return pass;
    });
    return encoder;
  });
  return used;
}

/** Dawn's objects do not take assignments. */
function replace<T extends object, K extends keyof T>(
  target: T,
  name: K,
  wrap: (method: T[K]) => T[K],
): void {
  const method = (target[name] as unknown as (...args: unknown[]) => unknown).bind(target);
  Object.defineProperty(target, name, { value: wrap(method as unknown as T[K]) });
}
