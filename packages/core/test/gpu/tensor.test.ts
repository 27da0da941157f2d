import { DisposedError, type Gpu, LimitError, ValidationError } from '@heed/core';
import { isColumnsOf, shapeTensor, tryEmpty } from '@heed/core/kernel';
import { testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { add, injectedGpu } from './device-fixtures.ts';

const STORAGE = 0x80;
const COPY_SRC = 0x4;
const COPY_DST = 0x8;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

function foreign(
  data: ArrayBufferView<ArrayBuffer>,
  usage: number = STORAGE | COPY_SRC | COPY_DST,
): GPUBuffer {
  const buffer = gpu.device.createBuffer({
    label: 'foreign',
    size: data.byteLength,
    usage,
    mappedAtCreation: true,
  });
  new Uint8Array(buffer.getMappedRange()).set(
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
  buffer.unmap();
  return buffer;
}

describe('gpu.fromBytes', { tags: ['device'] }, () => {
  const bytes = Uint8Array.of(0, 0x01, 0x3c, 0x00, 0x00, 0x01, 0x00, 0xff, 0x7b, 0, 0, 0, 0);
  const halves = Float32Array.of(1 + 2 ** -10, 0, 2 ** -24, 65504, 0, 0);

  it('takes bytes as they are, from an odd byte on, into padded rows too', async () => {
    for (const on of [gpu, await injectedGpu()]) {
      using t = on.fromBytes(bytes.subarray(1), { shape: [2, 3], dtype: 'f16', label: 'w' });
      expect([t.label, await t.read()]).toEqual(['w', halves]);
    }
  });

  it('takes bf16 as it is, NaN and its bits included', async () => {
    const bits = Uint16Array.of(0x3f80, 0x8001, 0xff80, 0xffc1, 0x7f7f, 0x0000);
    for (const on of [gpu, await injectedGpu()]) {
      using t = on.fromBytes(bits, { shape: [2, 3], dtype: 'bf16' });
      expect(t.strides).toEqual([4, 1]);
      const words = new Uint32Array((await t.read()).buffer);
      expect(words).toEqual(Uint32Array.from(bits, (half) => half << 16));
    }
  });

  it('takes whole buffers and views of any kind', async () => {
    const words = Uint32Array.of(1, 0x3f800000, 0x7fc00001, 0xffffffff);
    using a = gpu.fromBytes(words.buffer, { shape: [4], dtype: 'u32' });
    expect(await a.read()).toEqual(words);
    using b = gpu.fromBytes(new DataView(words.buffer, 4, 8), { shape: [2], dtype: 'f32' });
    expect(new Uint32Array((await b.read()).buffer)).toEqual(words.slice(1, 3));
    using c = gpu.fromBytes(new ArrayBuffer(0), { shape: [0, 2], dtype: 'i32' });
    expect(await c.read()).toEqual(new Int32Array(0));
  });

  it.each([
    [[1, 2], { shape: [2], dtype: 'f32' }, 'bytes must be an ArrayBuffer or a view of one'],
    [new ArrayBuffer(6), { shape: [2], dtype: 'f32' }, '[2] f32 is 8 bytes; got 6 bytes'],
    [
      new ArrayBuffer(4),
      { shape: [2], dtype: 'f64' },
      "dtype must be one of f32, f16, bf16, i32, u32; got 'f64'",
    ],
    [new ArrayBuffer(4), { shape: [1] }, 'dtype must be one of'],
    [new ArrayBuffer(4), undefined, 'dtype must be one of f32, f16, bf16, i32, u32; got undefined'],
  ])('refuses %j as %j', (data, options, message) => {
    const call = (): unknown => gpu.fromBytes(data as never, options as never);
    expect(call).toThrow(ValidationError);
    expect(call).toThrow(`gpu.fromBytes: ${message}`);
  });
});

describe('gpu.tensor and read', { tags: ['device'] }, () => {
  it.each([
    ['f32', new Float32Array([0, -0, 1.5, -Infinity, Infinity, NaN])],
    ['i32', new Int32Array([0, -1, 2147483647, -2147483648])],
    ['u32', new Uint32Array([0, 1, 4294967295])],
  ] as const)('bring %s there and back', async (dtype, data) => {
    using t = gpu.tensor(data, { shape: [data.length] });
    expect(t.dtype).toBe(dtype);
    const got = await t.read();
    expect(got.constructor).toBe(data.constructor);
    expect(new Uint32Array(got.buffer)).toEqual(new Uint32Array(data.buffer));
  });

  it('round f16 once and widen it back', async () => {
    using t = gpu.tensor([1 + 2 ** -11 + 2 ** -30, -65520, 2 ** -24, 1 / 3, -Infinity], {
      shape: [5],
      dtype: 'f16',
    });
    expect(await t.read()).toEqual(
      new Float32Array([1 + 2 ** -10, -Infinity, 2 ** -24, 0.333251953125, -Infinity]),
    );
  });

  it('round bf16 from f32 and widen it back', async () => {
    const data = [1 + 2 ** -8, 1 + 3 * 2 ** -8, -(2 ** 128), 2 ** -133, 1 / 3, -Infinity];
    using t = gpu.tensor(data, { shape: [6], dtype: 'bf16' });
    expect(await t.read()).toEqual(
      new Float32Array([1, 1 + 2 ** -6, -Infinity, 2 ** -133, 0.333984375, -Infinity]),
    );
  });

  it('give bf16 rows of odd length an even stride on every device', async () => {
    for (const on of [gpu, await injectedGpu()]) {
      using t = on.tensor([1, 2, 3, 4, 5, 6], { shape: [2, 3], dtype: 'bf16' });
      expect(t.strides).toEqual([4, 1]);
      expect(await t.slice(0, 1, 2).permute([1, 0]).read()).toEqual(new Float32Array([4, 5, 6]));
      using wrapped = on.wrap(t.buffer, { shape: [3], strides: [2], dtype: 'bf16', byteOffset: 2 });
      expect((await wrapped.read())[0]).toBe(2);
    }
  });

  it('give f16 rows of odd length an even stride unless the device has shader-f16', async () => {
    using t = gpu.tensor([1, 2, 3, 4, 5, 6], { shape: [2, 1, 3], dtype: 'f16', label: 'odd' });
    expect(t.strides).toEqual(gpu.capabilities.f16 ? [3, 3, 1] : [4, 4, 1]);
    expect(await t.read()).toEqual(new Float32Array([1, 2, 3, 4, 5, 6]));
    expect(gpu.empty([2, 4], { dtype: 'f16' }).strides).toEqual([4, 1]);
    expect(gpu.empty([3], { dtype: 'f16' }).strides).toEqual([1]);
  });

  it('pad f16 rows on a device without shader-f16', async () => {
    const minimal = await injectedGpu();
    using t = minimal.tensor([1, 2, 3, 4, 5, 6], { shape: [2, 3], dtype: 'f16' });
    expect(t.strides).toEqual([4, 1]);
    expect(await t.read()).toEqual(new Float32Array([1, 2, 3, 4, 5, 6]));
    expect(await t.slice(0, 1, 2).permute([1, 0]).read()).toEqual(new Float32Array([4, 5, 6]));
  });

  it.each([[[0]], [[2, 0, 3]], [[0, 5]]])('take the empty shape %j', async (shape) => {
    using t = gpu.tensor([], { shape, dtype: 'f16' });
    expect(t.shape).toEqual(shape);
    expect(await t.read()).toEqual(new Float32Array(0));
    expect(await gpu.empty(shape, { dtype: 'u32' }).read()).toEqual(new Uint32Array(0));
  });

  it('take a scalar', async () => {
    using t = gpu.tensor([7], { shape: [] });
    expect(await t.read()).toEqual(new Float32Array([7]));
  });

  it('describe the tensor', () => {
    using t = gpu.tensor([1, 2], { shape: [1, 2], label: 'pair' });
    expect(t).toMatchObject({
      byteOffset: 0,
      shape: [1, 2],
      strides: [2, 1],
      dtype: 'f32',
      label: 'pair',
    });
    expect(t.gpu).toBe(gpu);
    expect(t.buffer.label).toBe('pair');
    expect(Object.isFrozen(t.shape)).toBe(true);
  });

  it('do not keep the caller’s arrays', async () => {
    const shape = [2];
    const data = new Float32Array([1, 2]);
    using t = gpu.tensor(data, { shape });
    shape[0] = 99;
    data[0] = 99;
    expect(t.shape).toEqual([2]);
    expect(await t.read()).toEqual(new Float32Array([1, 2]));
  });

  it.each([
    [
      [2],
      [1],
      'gpu.tensor: the data length must be the product of the shape; got 1 numbers for [2] (2).',
    ],
    [[0], [1], 'got 1 numbers for [0] (0)'],
    [[NaN], [1], 'gpu.tensor: dimensions must be whole numbers from 0 on; got [NaN]. Fix NaN.'],
    [[-1], [1], 'Fix -1.'],
    [[1.5], [1], 'Fix 1.5.'],
    [[2 ** 40, 2 ** 40], [1], 'has more elements than a number counts exactly'],
    [7, [1], 'gpu.tensor: shape must be an array of numbers; got 7.'],
    [['2'], [1, 2], "Fix '2'."],
    [undefined, [1], 'got undefined'],
    [[1], 'x', "gpu.tensor: data must be an array of numbers; got 'x'."],
    [[1], null, 'data must be an array of numbers; got null.'],
  ])('refuse shape %j with data %j', (shape, data, message) => {
    expect(() => gpu.tensor(data as number[], { shape: shape as number[] })).toThrow(
      ValidationError,
    );
    expect(() => gpu.tensor(data as number[], { shape: shape as number[] })).toThrow(message);
  });

  it('refuse an unknown dtype', () => {
    expect(() => gpu.empty([1], { dtype: 'f64' as never })).toThrow(
      "gpu.empty: dtype must be one of f32, f16, bf16, i32, u32; got 'f64'.",
    );
    expect(() => gpu.empty([1], { dtype: 'toString' as never })).toThrow(ValidationError);
  });

  it('refuse more than one buffer holds', () => {
    const most = Math.floor(gpu.device.limits.maxBufferSize / 4);
    expect(() => gpu.empty([most + 1])).toThrow(LimitError);
  });
});

describe('gpu.wrap', () => {
  it('sees a part of a foreign buffer', async () => {
    const buffer = foreign(new Float32Array([0, 1, 2, 3, 4, 5]));
    const t = gpu.wrap(buffer, { shape: [2, 2], dtype: 'f32', byteOffset: 4 });
    expect(t.buffer).toBe(buffer);
    expect(await t.read()).toEqual(new Float32Array([1, 2, 3, 4]));
    t.dispose();
    // Still the caller's: wrapping it again works.
    expect(await gpu.wrap(buffer, { shape: [1], dtype: 'f32' }).read()).toEqual(
      new Float32Array([0]),
    );
  });

  it('takes strides, broadcast ones too', async () => {
    const buffer = foreign(new Float32Array([0, 1, 2, 3, 4, 5]));
    const columns = gpu.wrap(buffer, { shape: [3, 2], strides: [1, 3], dtype: 'f32' });
    expect(await columns.read()).toEqual(new Float32Array([0, 3, 1, 4, 2, 5]));
    const repeated = gpu.wrap(buffer, { shape: [2, 3], strides: [0, 2], dtype: 'f32' });
    expect(await repeated.read()).toEqual(new Float32Array([0, 2, 4, 0, 2, 4]));
  });

  it('takes halves at an odd place', async () => {
    const buffer = foreign(new Uint16Array([0, 0x3c00, 0x4000, 0x4200]));
    const t = gpu.wrap(buffer, { shape: [2], dtype: 'f16', byteOffset: 2 });
    expect(await t.read()).toEqual(new Float32Array([1, 2]));
  });

  it('reads a buffer without COPY_SRC by a kernel', async () => {
    const data = Float32Array.from({ length: 1000 }, (_, i) => i);
    const buffer = foreign(data, STORAGE);
    const t = gpu.wrap(buffer, { shape: [3], dtype: 'f32', byteOffset: 4 * 500, strides: [100] });
    expect(await t.read()).toEqual(new Float32Array([500, 600, 700]));
    const whole = gpu.wrap(buffer, { shape: [1000], dtype: 'f32' });
    expect(await whole.read()).toEqual(data);
  });

  it('takes an empty shape anywhere in the buffer', async () => {
    const buffer = foreign(new Float32Array(4));
    const t = gpu.wrap(buffer, { shape: [0, 8], dtype: 'f32', byteOffset: 16 });
    expect(await t.read()).toEqual(new Float32Array(0));
  });

  it('asks for STORAGE', () => {
    const buffer = gpu.device.createBuffer({ label: 'plain', size: 16, usage: COPY_DST });
    expect(() => gpu.wrap(buffer, { shape: [4], dtype: 'f32' })).toThrow(
      'gpu.wrap: buffer "plain" lacks STORAGE; its usage is 8. Create it with GPUBufferUsage.STORAGE.',
    );
  });

  it.each([
    ['f32', 2, /byteOffset must be a multiple of 4 for f32, from 0 on; got 2/],
    ['f16', 1, /byteOffset must be a multiple of 2 for f16/],
    ['f32', -4, /from 0 on; got -4/],
    ['f32', NaN, /from 0 on; got NaN/],
  ] as const)('refuses %s at byte %d', (dtype, byteOffset, message) => {
    const buffer = foreign(new Float32Array(4));
    expect(() => gpu.wrap(buffer, { shape: [1], dtype, byteOffset })).toThrow(message);
  });

  it.each([
    [[4], [1], 0],
    [[3], [1], 4],
    [[2, 2], [2, 1], 0],
    [[2, 2], [0, 3], 0],
  ])('takes the extent of %j with strides %j at byte %i', (shape, strides, byteOffset) => {
    const t = gpu.wrap(foreign(new Float32Array(4)), { shape, strides, dtype: 'f32', byteOffset });
    expect(t.strides).toEqual(strides);
  });

  it.each([
    [[5], [1], 0],
    [[4], [1], 4],
    [[2, 2], [3, 1], 0],
    [[2, 2], [0, 4], 0],
  ])('refuses the extent of %j with strides %j at byte %i', (shape, strides, byteOffset) => {
    const buffer = foreign(new Float32Array(4));
    expect(() => gpu.wrap(buffer, { shape, strides, dtype: 'f32', byteOffset })).toThrow(
      /needs 20 bytes .*buffer "foreign" has 16/,
    );
  });

  it.each([[[1]], [[1, -1]], [[1, 0.5]], [[NaN, 1]], ['x']])('refuses strides %j', (strides) => {
    const buffer = foreign(new Float32Array(4));
    expect(() =>
      gpu.wrap(buffer, { shape: [1, 2], dtype: 'f32', strides: strides as number[] }),
    ).toThrow(/gpu.wrap: strides must be 2 whole numbers/);
  });

  it('refuses what is no buffer', () => {
    expect(() => gpu.wrap({} as GPUBuffer, { shape: [1], dtype: 'f32' })).toThrow(
      'buffer must be a GPUBuffer; got Object',
    );
  });
});

describe('dispose', () => {
  it('makes every use an error, and may be repeated', async () => {
    const t = gpu.tensor([1, 2], { shape: [2], label: 'gone' });
    t.dispose();
    t.dispose();
    expect(() => t.buffer).toThrow(DisposedError);
    expect(() => t.permute([0])).toThrow(
      'permute: tensor "gone" [2] or the owner of its memory was disposed.',
    );
    expect(() => t.slice(0, 0, 1)).toThrow(DisposedError);
    expect(() => t.reshape([2, 1])).toThrow(DisposedError);
    await expect(t.read()).rejects.toThrow(DisposedError);
    expect(t.shape).toEqual([2]);
  });

  it('of the owner invalidates its views; of a view, only that view', async () => {
    const owner = gpu.tensor([1, 2], { shape: [2] });
    const view = owner.slice(0, 1, 2);
    const other = view.reshape([1, 1]);
    view.dispose();
    await expect(view.read()).rejects.toThrow(DisposedError);
    expect(await other.read()).toEqual(new Float32Array([2]));
    expect(await owner.read()).toEqual(new Float32Array([1, 2]));
    owner.dispose();
    await expect(other.read()).rejects.toThrow(DisposedError);
  });

  it('gives the memory to the next tensor of that size', () => {
    const a = gpu.empty([1000]);
    const { buffer } = a;
    a.dispose();
    expect(gpu.empty([999]).buffer).toBe(buffer);
  });

  it('happens at the end of a using block', () => {
    let kept;
    {
      using t = gpu.empty([4]);
      kept = t;
    }
    expect(() => kept.buffer).toThrow(DisposedError);
  });

  it('of a Gpu retires its tensors and leaves a foreign buffer alone', async () => {
    const mine = await injectedGpu();
    const t = mine.tensor([1], { shape: [1] });
    const buffer = mine.device.createBuffer({ size: 16, usage: STORAGE });
    const wrapped = mine.wrap(buffer, { shape: [4], dtype: 'f32' });
    mine.dispose();
    await expect(t.read()).rejects.toThrow(/heed: Gpu "heed" was disposed/);
    expect(() => mine.empty([1])).toThrow(DisposedError);
    await expect(mine.settled()).rejects.toThrow(DisposedError);
    t.dispose();
    wrapped.dispose();
    mine.device.pushErrorScope('validation');
    const encoder = mine.device.createCommandEncoder();
    encoder.clearBuffer(mine.device.createBuffer({ size: 16, usage: COPY_DST }));
    mine.device.createBindGroup({
      layout: mine.device.createBindGroupLayout({
        entries: [{ binding: 0, visibility: 4, buffer: { type: 'storage' } }],
      }),
      entries: [{ binding: 0, resource: { buffer } }],
    });
    mine.device.queue.submit([encoder.finish()]);
    expect(await mine.device.popErrorScope()).toBeNull();
  });
});

it('tryEmpty allocates exactly what gpu.empty would round up', async () => {
  using t = (await tryEmpty('f', gpu, [3, 100], { label: 'large' }))!;
  expect([t.shape, t.strides, t.dtype, t.label]).toEqual([[3, 100], [100, 1], 'f32', 'large']);
  expect(t.buffer.size).toBe(1200);
  using sum = add(gpu, t, 1);
  expect(await sum.read()).toHaveLength(300);
});

it('tryEmpty refuses what no device has room for, and what is no shape', async () => {
  const words = Math.floor(gpu.device.limits.maxBufferSize / 4);
  await expect(tryEmpty('create', gpu, [words + 1])).rejects.toThrow(LimitError);
  await expect(tryEmpty('create', gpu, [words + 1])).rejects.toThrow(/^create: one buffer holds/);
  await expect(tryEmpty('create', gpu, [-1])).rejects.toThrow(ValidationError);
});

describe('isColumnsOf', () => {
  it('finds the first columns of a tensor by memory, offset, type and strides', () => {
    using k = gpu.empty([2, 3, 8]);
    expect(isColumnsOf(k.slice(-1, 0, 5), k)).toBe(true);
    expect(isColumnsOf(k, k)).toBe(true);
    expect(isColumnsOf(k.slice(0, 0, 1).slice(2, 0, 8), k.slice(0, 0, 1))).toBe(true);
    const options = { shape: [2, 3, 4], strides: [24, 8, 1], dtype: 'f32' } as const;
    expect(isColumnsOf(gpu.wrap(k.buffer, options), k)).toBe(true);
    expect(isColumnsOf(gpu.wrap(k.buffer, { ...options, dtype: 'u32' }), k)).toBe(false);
    using other = gpu.empty([2, 3, 8]);
    const others = [
      k.slice(-1, 1, 5),
      k.slice(0, 0, 1),
      k.reshape([3, 2, 8]),
      other,
      k.reshape([6, 8]),
    ];
    expect(others.map((part) => isColumnsOf(part, k))).toEqual(others.map(() => false));
    expect(isColumnsOf(k, k.slice(-1, 0, 5))).toBe(false);
  });

  it('tells tensors without memory apart', () => {
    const [k, v] = [shapeTensor(gpu, [2, 8]), shapeTensor(gpu, [2, 8])];
    expect([isColumnsOf(k.slice(1, 0, 4), k), isColumnsOf(v, k)]).toEqual([true, false]);
  });
});
