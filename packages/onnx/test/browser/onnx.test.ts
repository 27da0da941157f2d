import { type Gpu, GpuError, openGpu, type Tensor } from '@heed/core';
import { attention } from '@heed/kernels-wgsl';
import { heedTensor, ortTensor, sessionOptions } from '@heed/onnx';
import { Rng, testGpu } from '@heed/testing';
import * as ort from 'onnxruntime-web/webgpu';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { docstringExamples } from '../examples/docstrings.ts';
import { model } from '../examples/models.ts';

let gpu: Gpu;
beforeAll(async () => {
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = { wasm };
  gpu = await testGpu();
});

/** A session of one operator, y = op(x, …), of one shape. */
async function session(
  op: string,
  inputs: string[],
  shape: number[],
  { type = 1, on = gpu, ints = {} } = {},
): Promise<ort.InferenceSession> {
  const value = (name: string): object => ({ name, shape, type });
  const bytes = model(
    [{ op, inputs, outputs: ['y'], ints }],
    inputs.map(value) as never,
    [value('y')] as never,
  );
  return ort.InferenceSession.create(bytes, sessionOptions(on));
}

const shape = [1, 2, 13, 8];
const count = 208;
const normals = (seed: number): Float32Array<ArrayBuffer> => new Rng(seed).normals(count);
const heed = (seed: number): Tensor => gpu.tensor(normals(seed), { shape });
const onCpu = (seed: number): ort.Tensor => new ort.Tensor('float32', normals(seed), shape);

it('the README’s example runs and prints what it says', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await import('../examples/quickstart.ts');
  const [dims, y] = log.mock.calls[0] as unknown as [number[], Float32Array];
  log.mockRestore();
  expect(dims).toEqual([1, 16, 8]);
  expect(y).toMatchTensor(expectedQuickstart(), { tolerance: 2e-6 });
});

/** Computes the expected values in float64: two heads of 4, causal, and tanh. */
function expectedQuickstart(): Float64Array {
  const x = (i: number, n: number): number => Math.fround(Math.sin(i * 24 + n));
  const y = new Float64Array(128);
  for (let i = 0; i < 16; i++) {
    for (const h of [0, 4]) {
      const dot = (j: number): number =>
        [0, 1, 2, 3].reduce((sum, d) => sum + x(i, h + d) * x(j, 8 + h + d), 0) / 2;
      const weights = Array.from({ length: i + 1 }, (_, j) => Math.exp(dot(j)));
      const total = weights.reduce((a, b) => a + b);
      for (let d = 0; d < 4; d++) {
        const sum = weights.reduce((s, w, j) => s + w * x(j, 16 + h + d), 0);
        y[i * 8 + h + d] = Math.tanh(sum / total);
      }
    }
  }
  return y;
}

it('the examples in the docstrings run', async () => {
  const [attended, y] = await docstringExamples(ort, gpu);
  expect([attended!.dims, y!.dims]).toEqual([
    [1, 16, 8],
    [1, 16, 8],
  ]);
});

describe('a chain of heed and ONNX Runtime', () => {
  it('runs in order, each on the other’s memory', async () => {
    const double = await session('Add', ['a', 'b'], shape);
    for (let seed = 1; seed < 5; seed++) {
      const { y } = await double.run({ a: onCpu(seed), b: onCpu(seed) });
      const q = heedTensor(gpu, y!);
      expect(q.buffer).toBe(y!.gpuBuffer);
      const { out } = attention(q, q, q);
      const attended = ortTensor(ort, out);
      expect(attended.gpuBuffer).toBe(out.buffer);
      const { y: twice } = await double.run({ a: attended, b: attended });
      const { out: last } = attention(heedTensor(gpu, twice!), q, q);

      const doubled = gpu.tensor(
        normals(seed).map((n) => 2 * n),
        { shape },
      );
      const middle = await attention(doubled, doubled, doubled).out.read();
      const wanted = gpu.tensor(
        middle.map((n) => 2 * n),
        { shape },
      );
      const want = await attention(wanted, doubled, doubled).out.read();
      expect(await last.read()).toMatchTensor(want, { tolerance: 1e-6 });
      for (const tensor of [y!, attended, twice!]) tensor.dispose();
    }
  });

  it('writes an output where heed has made room', async () => {
    const double = await session('Add', ['a', 'b'], shape);
    const room = gpu.empty(shape);
    const { y } = await double.run({ a: onCpu(1), b: onCpu(1) }, { y: ortTensor(ort, room) });
    expect(y!.gpuBuffer).toBe(room.buffer);
    expect(await room.read()).toEqual(normals(1).map((n) => 2 * n));
  });
});

describe('a tensor of heed’s, handed over,', () => {
  it.for([
    ['f32', 'float32', 1],
    ['f16', 'float16', 10],
    ['i32', 'int32', 6],
    ['u32', 'uint32', 12],
  ] as const)('of %s is %s', async ([dtype, type, number]) => {
    const x = gpu.tensor([1, 2, 3, 4, 5, 6], { shape: [3, 2], dtype });
    const handed = ortTensor(ort, x);
    expect([handed.type, handed.dims]).toEqual([type, [3, 2]]);
    expect([...((await handed.getData()) as Float32Array)]).toEqual([1, 2, 3, 4, 5, 6]);
    const same = await session('Identity', ['x'], [3, 2], { type: number });
    const { y } = await same.run({ x: handed });
    const back = heedTensor(gpu, y!);
    expect(back.dtype).toBe(dtype);
    expect([...(await back.read())]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('is given back by dispose()', () => {
    const x = heed(1);
    const handed = ortTensor(ort, x);
    handed.dispose();
    expect(() => x.buffer).toThrow(/was disposed/);
    expect(handed.location).toBe('none');
  });
});

describe('it is refused', () => {
  const buffer = (size: number): GPUBuffer =>
    gpu.device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });

  it('to hand over a view', () => {
    const x = heed(1);
    expect(() => ortTensor(ort, x.permute([0, 2, 1, 3]))).toThrow(/must be row-major.*strides/);
    expect(() => ortTensor(ort, x.slice(1, 1, 2))).toThrow(/from byte 416/);
  });

  it('to hand over a buffer that a load of 16 bytes would overrun', () => {
    const wrap = (size: number): Tensor => gpu.wrap(buffer(size), { shape: [2, 3], dtype: 'f32' });
    expect(() => ortTensor(ort, wrap(24))).toThrow(/multiple of 16.*got 24/);
    expect(ortTensor(ort, wrap(32)).dims).toEqual([2, 3]);
  });

  it('to hand over what is no tensor of heed’s', () => {
    expect(() => ortTensor(ort, onCpu(1) as never)).toThrow(/x must be a Tensor/);
  });

  it('to take a tensor that is not on the GPU, or not any more', () => {
    expect(() => heedTensor(gpu, onCpu(1))).toThrow(/its location is 'cpu'.*sessionOptions\(gpu\)/);
    const gone = ortTensor(ort, heed(1));
    gone.dispose();
    expect(() => heedTensor(gpu, gone)).toThrow(/its location is 'none'/);
  });

  it('to take a type that heed has not', () => {
    const bytes = ort.Tensor.fromGpuBuffer(buffer(16), { dataType: 'uint8', dims: [16] });
    expect(() => heedTensor(gpu, bytes)).toThrow(
      /float32, float16, int32, uint32; got uint8.*Cast/,
    );
  });

  it('by the GPU, to take a tensor of another device', async () => {
    using other = await openGpu();
    const double = await session('Add', ['a', 'b'], shape, { on: other });
    const { y } = await double.run({ a: onCpu(1), b: onCpu(1) });
    const x = heedTensor(gpu, y!);
    await expect(attention(x, x, x).out.read()).rejects.toThrow(GpuError);
    y!.dispose();
    await double.release();
  });
});
