import type { Gpu } from '@heed/core';
import {
  bindTensor,
  dispatch,
  dispatchGrid,
  fromHalf,
  getKernel,
  type HalfType,
  roundHalf,
  toHalf,
  unpackHalf,
  wgsl,
} from '@heed/core/kernel';
import { testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

/** A kernel of one word in, one word out; `value` is the word to store, from `word`. */
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
        let word = words[i];
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

function numberOf(bits: number): number {
  u32[0] = bits;
  return f32[0]!;
}

interface Format {
  readonly type: HalfType;
  readonly infinity: number;
  readonly nan: number;
  /** Where the next number after the largest would be. */
  readonly beyond: number;
  /** Bits of f32 and those that they round to. */
  readonly edges: readonly (readonly [number, number])[];
}

const types: readonly Format[] = [
  {
    type: 'f16',
    infinity: 0x7c00,
    nan: 0x7e00,
    beyond: 65536,
    edges: [
      [1, 0],
      [0x007fffff, 0],
      [0x00800000, 0],
      [0x32ffffff, 0],
      [0x33000000, 0],
      [0x33000001, 1],
      [0x477fefff, 0x7bff],
      [0x477ff000, 0x7c00],
      [0x7f7fffff, 0x7c00],
    ],
  },
  {
    type: 'bf16',
    infinity: 0x7f80,
    nan: 0x7fc0,
    beyond: 2 ** 128,
    edges: [
      [1, 0],
      [0x8000, 0],
      [0x8001, 1],
      [0x18000, 2],
      [0x007f8000, 0x0080],
      [0x007fffff, 0x0080],
      [0x00800000, 0x0080],
      [0x7f7f7fff, 0x7f7f],
      [0x7f7f8000, 0x7f80],
      [0x7f7fffff, 0x7f80],
    ],
  },
];

describe.each(types)('$type', { tags: ['device'] }, ({ type, infinity, nan, beyond, edges }) => {
  const round = (numbers: Uint32Array): Promise<Uint32Array> =>
    mapWords(`round ${type}`, roundHalf(type), `round_${type}(bitcast<f32>(word))`, numbers);

  /** Every number of the type, every midpoint between two, and the f32 next to those on either side; both signs. */
  function corners(): Uint32Array {
    const list: number[] = [];
    for (let half = 0; half <= infinity; half++) {
      const here = fromHalf(half, type);
      const next = half === infinity - 1 ? beyond : fromHalf(Math.min(half + 1, infinity), type);
      const middle = bitsOf(half === infinity ? Infinity : (here + next) / 2);
      for (const magnitude of [bitsOf(here), middle - 1, middle, middle + 1]) {
        // One beyond infinity is a NaN, of which there is a test of its own.
        if (magnitude <= 0x7f800000) list.push(magnitude, (magnitude | 0x80000000) >>> 0);
      }
    }
    return Uint32Array.from(list);
  }

  it('is rounded to nearest even, for every number and every midpoint', async () => {
    const input = corners();
    const got = await round(input);
    const wrong = Array.from(input, (bits, i) => [
      numberOf(bits),
      got[i],
      toHalf(numberOf(bits), type),
    ]);
    expect(input.length).toBeGreaterThan(250_000);
    expect(wrong.filter(([, is, should]) => is !== should).slice(0, 8)).toEqual([]);
  });

  it('takes the smallest and the largest numbers to 0 and to ∞', async () => {
    const got = await round(Uint32Array.from(edges, ([bits]) => bits));
    expect(Array.from(got)).toEqual(edges.map(([, half]) => half));
  });

  it('keeps a NaN a NaN, and its sign', async () => {
    const input = [0x7f800001, 0x7fc00000, 0x7fffffff, 0xff800001, 0xffc00000, 0xffffffff];
    const got = await round(Uint32Array.from(input));
    expect(Array.from(got)).toEqual(input.map((bits) => ((bits >>> 16) & 0x8000) | nan));
  });

  it('is unpacked exactly, all 65,536 bits in either half of a word', async () => {
    const all = Array.from({ length: 65536 }, (_, half) => half);
    for (const [part, other] of [
      ['x', 0xabcd0000],
      ['y', 0xabcd],
    ] as const) {
      const input = Uint32Array.from(all, (half) =>
        part === 'x' ? half | other : (half << 16) | other,
      );
      const value = `bitcast<u32>((${unpackHalf(type, 'word')}).${part})`;
      const got = await mapWords(`unpack ${type} ${part}`, '', value, input);
      const wrong = all.filter((half) => {
        if ((half & 0x7fff) > infinity) return !Number.isNaN(numberOf(got[half]!));
        return got[half] !== bitsOf(fromHalf(half, type));
      });
      expect(wrong.slice(0, 8)).toEqual([]);
    }
  });
});
