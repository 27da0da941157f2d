import type { Gpu, Tensor } from '@heed/core';
import {
  bindTensor,
  dispatch,
  getKernel,
  type KernelSource,
  uploadStorage,
  wgsl,
} from '@heed/core/kernel';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { add, injectedGpu } from './device-fixtures.ts';

let gpu: Gpu;
beforeEach(async () => {
  gpu = await injectedGpu();
  const { device } = gpu;
  onTestFinished(() => device.destroy());
});

const counter = (): { readonly made: number } => {
  const spy = vi.spyOn(gpu.device, 'createBindGroup');
  return {
    get made() {
      return spy.mock.calls.length;
    },
  };
};

const filled = (value: number, count = 4): Tensor =>
  gpu.tensor(new Float32Array(count).fill(value), { shape: [count] });

const values = async (t: Tensor): Promise<number[]> => Array.from((await t.read()) as Float32Array);

/** result[i] = x[i] + list[i], with a list from the host. */
const addTableSource: KernelSource = {
  label: 'add table',
  bindings: ['read', 'read', 'write'],
  code: wgsl`
    @group(0) @binding(0) var<storage, read> x: array<f32>;
    @group(0) @binding(1) var<storage, read> table: array<f32>;
    @group(0) @binding(2) var<storage, read_write> result: array<f32>;

    @compute @workgroup_size(1)
    fn main(@builtin(workgroup_id) wg: vec3u) {
      result[wg.x] = x[wg.x] + table[wg.x];
    }
  `,
};

function addTable(x: Tensor, table: Float32Array): Tensor {
  const out = gpu.empty(x.shape);
  gpu.batch(() => {
    const buffers = [bindTensor(x).range, uploadStorage(gpu, table), bindTensor(out).range];
    dispatch(gpu, { kernel: getKernel(gpu, addTableSource), buffers, workgroups: [4, 1, 1] });
  });
  return out;
}

describe('bind groups', () => {
  it('serve again for the same tensors, whatever the parameters', async () => {
    const [x, out] = [filled(1), gpu.empty([4])];
    add(gpu, x, 0, out);
    const count = counter();
    for (let i = 1; i < 400; i++) add(gpu, x, i, out);
    expect(count.made).toBe(0);
    expect(await values(out)).toEqual([400, 400, 400, 400]);
  });

  it('serve views that grow', async () => {
    const [x, out] = [filled(1, 300), gpu.empty([300])];
    add(gpu, x.slice(0, 0, 1), 1, out);
    const count = counter();
    for (const n of [2, 299, 5, 300]) add(gpu, x.slice(0, 0, n), n, out);
    expect(count.made).toBe(0);
    expect(await values(out)).toEqual(Array(300).fill(301));
  });

  it('are as many as a batch needs parameters at once, and serve the next batch', async () => {
    const start = filled(0);
    const [x, y] = [gpu.empty([4]), gpu.empty([4])];
    const batch = (dispatches: number): void =>
      gpu.batch(() => {
        add(gpu, start, 0, x);
        for (let i = 0; i < dispatches; i += 2) {
          add(gpu, x, i, y);
          add(gpu, y, i + 1, x);
        }
      });
    batch(1000);
    expect(await values(x)).toEqual(Array(4).fill(499500));
    const count = counter();
    batch(1000);
    expect(await values(x)).toEqual(Array(4).fill(499500));
    batch(10);
    expect(await values(x)).toEqual(Array(4).fill(45));
    expect(count.made).toBe(0);
  });

  it('are those of the step before, though every step makes and disposes of its tensors', async () => {
    const x = filled(1);
    const step = (i: number): Promise<number[]> => {
      const last = gpu.batch(() => {
        let y = addTable(x, new Float32Array(4).fill(i));
        for (let layer = 0; layer < 20; layer++) {
          const next = add(gpu, addTable(y, new Float32Array(4).fill(layer)), 1);
          y.dispose();
          y = next;
        }
        return y;
      });
      const got = values(last);
      last.dispose();
      return got;
    };
    for (let i = 0; i < 3; i++) expect(await step(i)).toEqual(Array(4).fill(211 + i));
    const tensors: Tensor[] = [];
    const spy = vi.spyOn(gpu, 'empty').mockImplementation((shape) => {
      const tensor = Object.getPrototypeOf(gpu).empty.call(gpu, shape) as Tensor;
      tensors.push(tensor);
      return tensor;
    });
    const free = (): void => tensors.splice(0).forEach((tensor) => tensor.dispose());
    const freed = async (i: number): Promise<void> => {
      expect(await step(i)).toEqual(Array(4).fill(211 + i));
      free();
    };
    await freed(3);
    await freed(4);
    await freed(5);
    const count = counter();
    await freed(6);
    expect(count.made).toBe(0);
    spy.mockRestore();
  });

  it('never name memory that was given back: results stay right while buffers change hands', async () => {
    let seed = 7;
    const random = (n: number): number => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % n;
    const alive = [{ tensor: filled(1), value: 1 }];
    for (let i = 0; i < 300; i++) {
      const { tensor, value } = alive[random(alive.length)]!;
      alive.push({ tensor: add(gpu, tensor, i), value: value + i });
      if (alive.length > 6) alive.splice(random(alive.length), 1)[0]!.tensor.dispose();
    }
    for (const { tensor, value } of alive)
      expect(await values(tensor)).toEqual(Array(4).fill(value));
    await gpu.settled();
  });

  it('of a buffer that its owner destroyed are refused as before', async () => {
    const buffer = gpu.device.createBuffer({ size: 16, usage: 0x80 | 0x4 | 0x8 });
    const x = gpu.wrap(buffer, { shape: [4], dtype: 'f32' });
    const out = add(gpu, x, 1);
    await gpu.settled();
    buffer.destroy();
    add(gpu, x, 1, out);
    await expect(gpu.settled()).rejects.toThrow('destroyed');
  });

  it('of a buffer of another device are refused, and nobody else is told', async () => {
    const other = await injectedGpu();
    const foreign = other.device.createBuffer({ size: 16, usage: 0x80 });
    const uncaptured = vi.fn<() => void>();
    gpu.device.addEventListener('uncapturederror', uncaptured);
    add(gpu, gpu.wrap(foreign, { shape: [4], dtype: 'f32' }), 1);
    await expect(gpu.settled()).rejects.toThrow('associated with');
    expect(uncaptured).not.toHaveBeenCalled();
    other.device.destroy();
  });

  it('cost no error scope once they have served, unless a buffer is another’s', async () => {
    const scopes = vi.spyOn(gpu.device, 'pushErrorScope');
    const opened = async (x: Tensor, out: Tensor): Promise<number> => {
      await gpu.settled();
      scopes.mockClear();
      for (let i = 0; i < 3; i++) add(gpu, x, i, out);
      return scopes.mock.calls.length;
    };
    const [own, out] = [filled(1), gpu.empty([4])];
    const buffer = gpu.device.createBuffer({ size: 16, usage: 0x80 | 0x4 | 0x8 });
    const wrapped = gpu.wrap(buffer, { shape: [4], dtype: 'f32' });
    add(gpu, wrapped, 0, out);
    // One error is that of the bind group itself.
    expect(await opened(own, out)).toBe(4);
    expect(await opened(own, out)).toBe(0);
    expect(await opened(wrapped, out)).toBe(3);
    expect(await opened(wrapped, out)).toBe(3);
  });
});
