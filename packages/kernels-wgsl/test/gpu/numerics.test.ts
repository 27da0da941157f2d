import type { Gpu } from '@heed/core';
import {
  bindTensor,
  dispatch,
  dispatchGrid,
  fromHalf,
  getKernel,
  roundHalf,
  wgsl,
} from '@heed/core/kernel';
import { testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { tanhWgsl } from '../../src/host/options/softcap-option.ts';
import { writePart } from '../../src/text/parts/row-access.wgsl.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

/** A kernel of one word in, one word out; `value` is the word to store, from `x`. */
async function mapWords(
  name: string,
  library: string,
  value: string,
  input: Uint32Array,
): Promise<Uint32Array> {
  const code = wgsl`
    @group(0) @binding(0) var<storage, read> words: array<u32>;
    @group(0) @binding(1) var<storage, read_write> out: array<u32>;

    ${library}

    @compute @workgroup_size(64)
    fn main(
      @builtin(workgroup_id) workgroup: vec3<u32>,
      @builtin(num_workgroups) workgroups: vec3<u32>,
      @builtin(local_invocation_index) lane: u32,
    ) {
      let i = (workgroup.x + workgroup.y * workgroups.x) * 64u + lane;
      if (i < arrayLength(&words)) {
        let x = bitcast<f32>(words[i]);
        out[i] = ${value};
      }
    }
  `;
  using words = gpu.tensor(input, { shape: [input.length] });
  using out = gpu.empty([input.length], { dtype: 'u32' });
  dispatch(gpu, {
    kernel: getKernel(gpu, { label: `test ${name}`, code, bindings: ['read', 'write'] }),
    buffers: [bindTensor(words).range, bindTensor(out).range],
    workgroups: dispatchGrid(gpu, Math.ceil(input.length / 64)),
  });
  return await out.read();
}

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

function bitsOf(x: number): number {
  f32[0] = x;
  return u32[0]!;
}

describe('a store of single halves', { tags: ['device'] }, () => {
  const code = wgsl`
    enable f16;

    struct Params { out_dim: u32 }
    const params = Params(1u);
    @group(0) @binding(0) var<storage, read> numbers: array<vec4<f32>>;
    @group(0) @binding(1) var<storage, read_write> out: array<f16>;

    ${roundHalf('f16')}

    ${writePart('f16', 'scalar', 4).text}

    @compute @workgroup_size(64)
    fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
      write_out(thread.x * 4u, 0u, numbers[thread.x]);
    }
  `;

  it('has the bits of round_f16: every half, ±∞ and NaN of both signs', async ({ skip }) => {
    skip(!gpu.capabilities.f16, 'it needs shader-f16');
    const halves = Array.from({ length: 1 << 16 }, (_, half) => half);
    const isNaNHalf = (half: number): boolean => (half & 0x7fff) > 0x7c00;
    const bits = halves.map((half) =>
      isNaNHalf(half) ? ((half << 16) | 0x7f800001) >>> 0 : bitsOf(fromHalf(half)),
    );
    using numbers = gpu.tensor(Uint32Array.from(bits), { shape: [1 << 16] });
    using out = gpu.empty([1 << 15], { dtype: 'u32' });
    dispatch(gpu, {
      kernel: getKernel(gpu, { label: 'test halves', code, bindings: ['read', 'write'] }),
      buffers: [bindTensor(numbers).range, bindTensor(out).range],
      workgroups: [(1 << 16) / 256, 1, 1],
    });
    const got = new Uint16Array((await out.read()).buffer);
    const wrong = halves
      .map((half) => [half, isNaNHalf(half) ? (half & 0x8000) | 0x7e00 : half, got[half]])
      .filter(([, should, is]) => is !== should);
    expect(wrong.slice(0, 8)).toEqual([]);
  });
});

describe('tanh_f32', { tags: ['device'] }, () => {
  const tanhF32 = async (numbers: Float32Array): Promise<Float32Array> =>
    new Float32Array(
      (
        await mapWords(
          'tanh_f32',
          tanhWgsl,
          'bitcast<u32>(tanh_f32(x))',
          new Uint32Array(numbers.buffer),
        )
      ).buffer,
    );

  /** Powers of two in 64 steps each from 2⁻²⁰ to 2⁷, and the neighbourhood of the seam at 0.625; both signs. */
  const input = Float32Array.from(
    [
      ...Array.from({ length: 27 * 64 }, (_, i) => 2 ** (-20 + i / 64)),
      ...Array.from({ length: 200 }, (_, i) => 0.625 + (i - 100) * 2 ** -24),
    ].flatMap((x) => [x, -x]),
  );

  it('is within 4 units in the last place, also where it is small', async () => {
    const got = await tanhF32(input);
    const want = input.map((x) => Math.tanh(x));
    const tolerance = Float64Array.from(want, (y) => 4 * 2 ** -23 * Math.abs(y));
    expect(got).toMatchTensor(want, { tolerance });
  });

  it('is odd, and flat far out', async () => {
    const far = Float32Array.of(0, 9.5, 20, 88, 100, 1e4, 3e38);
    const got = await tanhF32(far);
    expect(Array.from(got)).toEqual([0, 1, 1, 1, 1, 1, 1]);
    const negative = await tanhF32(input.map((x) => -x));
    expect(negative).toMatchTensor((await tanhF32(input)).map((y) => -y));
  });
});
