import { type Gpu, GpuError, LimitError, type Tensor, ValidationError } from '@heed/core';
import {
  bindDispatch,
  bindTensor,
  type BoundDispatch,
  type Dispatch,
  dispatch,
  dispatchGrid,
  encodeBound,
  flush,
  getKernel,
  getKernelAsync,
  kernelCount,
  type KernelSource,
  launchBound,
  placeholder,
  uploadStorage,
} from '@heed/core/kernel';
import { testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { add, addSource, injectedGpu } from './device-fixtures.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const ones = (count: number): Tensor =>
  gpu.tensor(new Float32Array(count).fill(1), { shape: [count] });

describe('dispatch', { tags: ['device'] }, () => {
  it('runs at once outside a batch', async () => {
    expect(await add(gpu, ones(3), 2).read()).toEqual(new Float32Array([3, 3, 3]));
  });

  it('reads and writes views by their offset', async () => {
    const x = gpu.tensor([1, 2, 3, 4, 5, 6], { shape: [3, 2] });
    const out = gpu.tensor(new Float32Array(200), { shape: [100, 2] });
    add(gpu, x.slice(0, 1, 3), 10, out.slice(0, 70, 72));
    const got = await out.read();
    expect(Array.from(got.subarray(138, 146))).toEqual([0, 0, 13, 14, 15, 16, 0, 0]);
  });

  it('folds more workgroups than one dimension holds', async () => {
    const count = gpu.device.limits.maxComputeWorkgroupsPerDimension + 1000;
    const x = gpu.tensor(
      Float32Array.from({ length: count }, (_, i) => i),
      { shape: [count] },
    );
    const got = await add(gpu, x, 1).read();
    expect(got.every((value, i) => value === i + 1)).toBe(true);
  });

  it('takes a workgroup count of 0', async () => {
    const x = gpu.tensor([], { shape: [0] });
    expect(dispatchGrid(gpu, 0)).toEqual([0, 1, 1]);
    expect(await add(gpu, x, 1).read()).toEqual(new Float32Array(0));
    await gpu.settled();
  });

  it('refuses a wrong number of buffers, wrong counts, and one buffer read and written', () => {
    const kernel = getKernel(gpu, addSource);
    const x = bindTensor(ones(2)).range;
    const y = bindTensor(ones(2)).range;
    const params = new Uint32Array(4);
    const max = gpu.device.limits.maxComputeWorkgroupsPerDimension;
    const right: Dispatch = { kernel, buffers: [x, y], params, workgroups: [1, 1, 1] };
    const dispatching = (wrong: Partial<Dispatch>) => (): void =>
      dispatch(gpu, { ...right, ...wrong });
    expect(dispatching({ buffers: [x] })).toThrow('dispatch: kernel "add" binds 2 buffers; got 1.');
    expect(dispatching({ workgroups: [0.5, 1, 1] })).toThrow(ValidationError);
    expect(dispatching({ workgroups: [1, max + 1, 1] })).toThrow(LimitError);
    expect(dispatching({ buffers: [x, x] })).toThrow(
      /would read \(binding 0\) and write \(binding 1\) one buffer/,
    );
  });
});

describe('gpu.batch', () => {
  it('gives each dispatch its own parameters', async () => {
    const x = ones(1);
    const [a, b] = gpu.batch(() => [add(gpu, x, 1), add(gpu, x, 2)]);
    expect([...(await a.read()), ...(await b.read())]).toEqual([2, 3]);
  });

  it('keeps the order of dispatches that depend on one another', async () => {
    const x = ones(1);
    const y = gpu.batch(() => add(gpu, add(gpu, x, 10), 100));
    expect([...(await y.read())]).toEqual([111]);
  });

  it('holds more parameters than one chunk of the ring', async () => {
    const x = ones(1);
    const outs = gpu.batch(() => Array.from({ length: 700 }, (_, i) => add(gpu, x, i)));
    for (const i of [0, 255, 256, 511, 512, 699])
      expect([i, ...(await outs[i]!.read())]).toEqual([i, i + 1]);
  });

  it('lets flush() submit what it holds so far, and goes on', async () => {
    const { queue } = gpu.device;
    const copy = gpu.empty([1]);
    const y = gpu.batch(() => {
      const x = add(gpu, ones(1), 1);
      flush(gpu);
      const encoder = gpu.device.createCommandEncoder();
      encoder.copyBufferToBuffer(x.buffer, 0, copy.buffer, 0, 4);
      queue.submit([encoder.finish()]); // another's work, which reads x
      return add(gpu, copy, 10);
    });
    expect([...(await y.read())]).toEqual([12]);
    expect(() => flush(gpu)).not.toThrow();
  });

  it('joins an outer batch', async () => {
    const x = ones(1);
    let inner: Tensor | undefined;
    const outer = gpu.batch(() => {
      inner = gpu.batch(() => add(gpu, x, 1));
      return add(gpu, inner, 1);
    });
    expect([...(await outer.read())]).toEqual([3]);
  });

  it('does not recycle memory before its submit', async () => {
    const x = ones(64);
    const [y, z] = gpu.batch(() => {
      const scratch = add(gpu, x, 1);
      const sum = add(gpu, scratch, 1);
      const { buffer } = scratch;
      scratch.dispose();
      // If the scratch memory were reused, this write would take effect before both dispatches.
      const fresh = gpu.tensor(new Float32Array(64).fill(50), { shape: [64] });
      expect(fresh.buffer).not.toBe(buffer);
      return [sum, fresh];
    });
    expect((await y.read())[0]).toBe(3);
    expect((await z.read())[0]).toBe(50);
  });

  it('recycles it after', () => {
    const x = ones(64);
    const buffer = gpu.batch(() => {
      using scratch = add(gpu, x, 1);
      return scratch.buffer;
    });
    const next = Array.from({ length: 3 }, () => gpu.empty([64]).buffer);
    expect(next).toContain(buffer);
  });

  it('is flushed by read, and stays open', async () => {
    const x = ones(1);
    const out = gpu.empty([1]);
    const [first, y] = gpu.batch(() => {
      add(gpu, x, 1, out);
      const reading = out.read();
      add(gpu, x, 2, out);
      return [reading, add(gpu, out, 10)];
    });
    expect([...(await first)]).toEqual([2]);
    expect([...(await y.read())]).toEqual([13]);
  });

  it('submits what was dispatched before an exception, then passes it on', async () => {
    const x = ones(1);
    const out = gpu.tensor([0], { shape: [1] });
    expect(() =>
      gpu.batch(() => {
        add(gpu, x, 1, out);
        throw new Error('mine');
      }),
    ).toThrow('mine');
    expect([...(await out.read())]).toEqual([2]);
    expect([...(await add(gpu, x, 5).read())]).toEqual([6]);
  });

  it('refuses an async function, whose own failure it swallows', async () => {
    const x = ones(1);
    const out = gpu.tensor([0], { shape: [1] });
    expect(() =>
      gpu.batch(async () => {
        add(gpu, x, 1, out);
        await Promise.resolve();
        throw new Error('late');
      }),
    ).toThrow('gpu.batch: fn must be synchronous; got one that returns a promise.');
    expect([...(await out.read())]).toEqual([2]);
  });
});

describe('uploadStorage', { tags: ['device'] }, () => {
  it.each([1, 100, 16384, 16385, 100_000])('brings %i words, in a batch too', async (words) => {
    const copy = (first: number, out: Tensor): void => {
      const data = Float32Array.from({ length: words }, (_, i) => i + first);
      dispatch(gpu, {
        kernel: getKernel(gpu, addSource),
        buffers: [uploadStorage(gpu, data), bindTensor(out).range],
        params: Uint32Array.of(words, 0, 0, 0),
        workgroups: dispatchGrid(gpu, words),
      });
    };
    const outs = [gpu.empty([words]), gpu.empty([words])];
    gpu.batch(() => outs.forEach((out, i) => copy(i, out)));
    for (const [i, out] of outs.entries()) {
      const got = await out.read();
      expect([got[0], got[words - 1]]).toEqual([i, words - 1 + i]);
    }
  });

  it('takes a length in bytes that is no multiple of 4', () => {
    expect(uploadStorage(gpu, new Uint8Array([1, 2, 3])).size).toBe(4);
    expect(uploadStorage(gpu, new Uint8Array(70_001)).size).toBe(70_004);
    // A dispatch, so that the large buffer returns to the pool.
    add(gpu, ones(1), 0);
  });
});

describe('params', { tags: ['device'] }, () => {
  const x = (): Tensor => ones(1);
  const dispatchWith = (params?: Uint32Array, source = addSource, out = gpu.empty([1])): Tensor => {
    const buffers = [bindTensor(x()).range, bindTensor(out).range];
    const kernel = getKernel(gpu, source);
    dispatch(gpu, { kernel, buffers, ...(params && { params }), workgroups: [1, 1, 1] });
    return out;
  };

  it('take 64 KiB and not a byte more', async () => {
    const params = new Uint32Array(16384);
    params[0] = 1;
    expect([...(await dispatchWith(params).read())]).toEqual([1]);
    expect(() => dispatchWith(new Uint32Array(16385))).toThrow(
      'dispatch: params hold at most 65536 bytes; got 65540 for "add". Use uploadStorage.',
    );
  });

  it('are needed by a kernel with a uniform, and by no other', () => {
    expect(() => dispatchWith()).toThrow(
      'dispatch: kernel "add" has a uniform; got no params. Pass them.',
    );
    const plain: KernelSource = {
      label: 'plain',
      bindings: ['read', 'write'],
      code: `
        @group(0) @binding(0) var<storage, read> x: array<f32>;
        @group(0) @binding(1) var<storage, read_write> y: array<f32>;
        @compute @workgroup_size(1) fn main() { y[0] = x[0]; }`,
    };
    expect(() => dispatchWith(new Uint32Array(4), plain)).toThrow(
      'dispatch: kernel "plain" has no uniform; got params. Leave them out.',
    );
  });

  it('are copied: the same memory serves for the next dispatch of a batch', async () => {
    const params = Uint32Array.of(1, 0, 0, 0);
    const amount = new Float32Array(params.buffer, 12);
    const outs = gpu.batch(() =>
      [1, 2, 3].map((value) => {
        amount[0] = value;
        return dispatchWith(params);
      }),
    );
    for (const [i, out] of outs.entries()) expect([...(await out.read())]).toEqual([i + 2]);
  });
});

describe('bindDispatch', () => {
  const bound = (x: Tensor, amount: number, out: Tensor): BoundDispatch => {
    const params = new Uint32Array([x.shape[0]!, 0, 0, 0]);
    new Float32Array(params.buffer)[3] = amount;
    const kernel = getKernel(gpu, addSource);
    const buffers = [bindTensor(x).range, bindTensor(out).range];
    return bindDispatch(gpu, { kernel, buffers, params, workgroups: [x.shape[0]!, 1, 1] });
  };

  it('binds for a pass of the caller’s', async () => {
    const x = ones(2);
    const out = gpu.empty([2]);
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    encodeBound(gpu, pass, [bound(x, 4, out)]);
    pass.end();
    // Other work in between must not touch the parameters.
    for (let i = 0; i < 300; i++) add(gpu, x, i);
    gpu.device.queue.submit([encoder.finish()]);
    expect([...(await out.read())]).toEqual([5, 5]);
  });

  it('binds once for any number of launches, in batches and alone', async () => {
    const [x, y] = [ones(2), gpu.empty([2])];
    const there = [bound(x, 1, y), bound(y, 1, x)];
    launchBound(gpu, there);
    gpu.batch(() => {
      for (let i = 0; i < 3; i++) launchBound(gpu, there);
      add(gpu, x, 100, y);
    });
    expect([...(await x.read()), ...(await y.read())]).toEqual([9, 9, 109, 109]);
  });

  it('makes nothing for a launch, writes nothing, and opens no error scope', async () => {
    const [x, y] = [ones(2), gpu.empty([2])];
    const there = [bound(x, 1, y), bound(y, 1, x)];
    launchBound(gpu, there);
    await gpu.settled();
    const { device } = gpu;
    const spies = [
      vi.spyOn(device, 'createBindGroup'),
      vi.spyOn(device, 'createBuffer'),
      vi.spyOn(device, 'pushErrorScope'),
      vi.spyOn(device.queue, 'writeBuffer'),
    ];
    launchBound(gpu, there);
    gpu.batch(() => launchBound(gpu, there));
    const counts = spies.map((spy) => spy.mock.calls.length);
    spies.forEach((spy) => spy.mockRestore());
    expect(counts).toEqual([0, 0, 0, 0]);
    expect([...(await x.read())]).toEqual([7, 7]);
  });

  it('refuses to launch what the GPU has refused to bind', async () => {
    const other = await injectedGpu();
    const foreign = other.device.createBuffer({ size: 16, usage: 0x80 });
    const x = gpu.wrap(foreign, { shape: [4], dtype: 'f32' });
    const one = bound(x, 1, gpu.empty([4]));
    await expect(gpu.settled()).rejects.toThrow('associated with');
    expect(() => launchBound(gpu, [one])).toThrow(GpuError);
    expect(() => launchBound(gpu, [one])).toThrow(/refused the buffers of "add"/);
    other.device.destroy();
  });

  it('takes no other pass than one that computes', () => {
    expect(() => encodeBound(gpu, {} as never, [])).toThrow('pass must be a compute pass');
  });
});

describe('placeholder', () => {
  it('gives two buffers that one dispatch may bind for reading and for writing', () => {
    const read = placeholder(gpu, 'read');
    const write = placeholder(gpu, 'write');
    expect(read.buffer).not.toBe(write.buffer);
    expect(placeholder(gpu, 'read').buffer).toBe(read.buffer);
  });
});

describe('getKernel', () => {
  it('shares the layouts of kernels whose bindings are equally large', () => {
    const layoutOf = (uniformBytes?: number): GPUBindGroupLayout => {
      const code = `${addSource.code}// ${uniformBytes} bytes`;
      return getKernel(gpu, { ...addSource, code, ...(uniformBytes && { uniformBytes }) }).layout;
    };
    const [any, small, large] = [undefined, 16, 32].map(layoutOf);
    expect(layoutOf(16)).toBe(small);
    expect(getKernel(gpu, addSource).layout).toBe(any);
    // wgpu keeps the size that the first pipeline of a layout needs.
    expect(new Set([any, small, large]).size).toBe(3);
  });

  it('makes one kernel per source and device, whatever its label, however it is asked for', async () => {
    const kernel = getKernel(gpu, addSource);
    const before = kernelCount(gpu);
    expect(getKernel(gpu, { ...addSource, label: 'other' })).toBe(kernel);
    expect(await getKernelAsync(gpu, addSource)).toBe(kernel);
    expect(kernelCount(gpu)).toBe(before);
    const other = { ...addSource, code: `${addSource.code}\n// another` };
    const [a, b] = await Promise.all([getKernelAsync(gpu, other), getKernelAsync(gpu, other)]);
    expect(a).toBe(b);
    expect(getKernel(gpu, other)).toBe(a);
    expect(kernelCount(gpu)).toBe(before + 1);
  });

  it('rejects an aborted compilation with the reason', async () => {
    await expect(
      getKernelAsync(gpu, addSource, AbortSignal.abort(new Error('stop'))),
    ).rejects.toThrow('stop');
    const controller = new AbortController();
    const source = { ...addSource, code: `${addSource.code}\n// aborted` };
    const compiling = getKernelAsync(gpu, source, controller.signal);
    controller.abort(new Error('enough'));
    await expect(compiling).rejects.toThrow('enough');
    expect((await getKernelAsync(gpu, source)).label).toBe('add');
  });

  it('refuses more storage buffers than the device binds', async () => {
    const minimal = await injectedGpu();
    const source = { ...addSource, label: 'wide', bindings: new Array<'read'>(9).fill('read') };
    expect(() => getKernel(minimal, source)).toThrow(
      'getKernel: a kernel may bind 8 storage buffers on this device; "wide" binds 9.',
    );
    await expect(getKernelAsync(minimal, source)).rejects.toThrow(LimitError);
  });
});
