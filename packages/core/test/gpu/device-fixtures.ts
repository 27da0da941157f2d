import { type Gpu, openGpu, type OpenGpuOptions, type Tensor } from '@heed/core';
import {
  bindTensor,
  dispatch,
  dispatchGrid,
  getKernel,
  type KernelSource,
  wgsl,
} from '@heed/core/kernel';

// Dawn's object must outlive everything made from it.
let dawn: GPU | undefined;

async function findGpu(): Promise<GPU> {
  if (globalThis.navigator?.gpu !== undefined) return navigator.gpu;
  const { create } = await import('webgpu');
  dawn ??= create([]);
  return dawn;
}

export async function newAdapter(): Promise<GPUAdapter> {
  const adapter = await (await findGpu()).requestAdapter();
  if (adapter === null) throw new Error('no WebGPU adapter');
  return adapter;
}

/** Requests a device at WebGPU's defaults, as a caller of heed would. */
export async function newDevice(descriptor: GPUDeviceDescriptor = {}): Promise<GPUDevice> {
  return (await newAdapter()).requestDevice(descriptor);
}

/** Opens a Gpu over a device of the caller. */
export async function injectedGpu(options: OpenGpuOptions = {}): Promise<Gpu> {
  return openGpu({ device: await newDevice(), ...options });
}

/** result[i] = x[i] + amount, over dense f32. */
export const addSource: KernelSource = {
  label: 'add',
  bindings: ['read', 'write', 'uniform'],
  readsToEnd: true,
  code: wgsl`
    struct Params { count: u32, x_offset: u32, out_offset: u32, amount: f32 }
    @group(0) @binding(0) var<storage, read> x: array<f32>;
    @group(0) @binding(1) var<storage, read_write> result: array<f32>;
    @group(0) @binding(2) var<uniform> params: Params;

    @compute @workgroup_size(1)
    fn main(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) groups: vec3u) {
      let i = wg.x + wg.y * groups.x;
      if (i < params.count) {
        result[params.out_offset + i] = x[params.x_offset + i] + params.amount;
      }
    }
  `,
};

function addParams(
  count: number,
  xOffset: number,
  outOffset: number,
  amount: number,
): Uint32Array<ArrayBuffer> {
  const params = new Uint32Array([count, xOffset, outOffset, 0]);
  new Float32Array(params.buffer)[3] = amount;
  return params;
}

/** Dispatches x + amount into `out` or a new tensor. */
export function add(gpu: Gpu, x: Tensor, amount: number, out: Tensor = gpu.empty(x.shape)): Tensor {
  const count = x.shape.reduce((n, d) => n * d, 1);
  const from = bindTensor(x);
  const to = bindTensor(out);
  dispatch(gpu, {
    kernel: getKernel(gpu, addSource),
    buffers: [from.range, to.range],
    params: addParams(count, from.elementOffset, to.elementOffset, amount),
    workgroups: dispatchGrid(gpu, count),
    label: `add ${amount}`,
  });
  return out;
}

/** A kernel that every compiler refuses; `salt` makes kernels distinct. */
export const brokenSource = (salt: string): KernelSource => ({
  label: `broken ${salt}`,
  bindings: ['write'],
  code: `// ${salt}\n@group(0) @binding(0) var<storage, read_write> x: array<f32>;\n@compute @workgroup_size(1) fn main() { x[0] = ; }`,
});
