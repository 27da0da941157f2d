import { type Gpu, type Tensor, UnsupportedError, ValidationError } from '@heed/core';
import { type FloatType, isHalf } from '@heed/core/kernel';
import { isFullRun, Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { appendRows } from '../../../src/kernels/append-rows.ts';
import type { Rotary } from '../../../src/kernels/rotary.ts';
import { rotate } from '../../../src/kernels/rotate.ts';
import { floatOf, geometryOf, poolsOf, rounded, rowsOf, wordsOf } from './host-pools.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const maxPosition = 37;

interface Tables {
  readonly rotary: (positions: Int32Array | Tensor) => Rotary;
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** Tables as models make them: angle = position / 10000^(pair / pairs). */
function tablesOf(pairs: number, dtype: FloatType, interleaved: boolean): Tables {
  const angle = (i: number): number => Math.floor(i / pairs) / 10000 ** ((i % pairs) / pairs);
  const list = (f: (x: number) => number): Float32Array =>
    rounded(
      dtype,
      Float32Array.from({ length: maxPosition * pairs }, (_, i) => f(angle(i))),
    );
  const [cos, sin] = [list(Math.cos), list(Math.sin)];
  const shape = [maxPosition, pairs];
  const tensors = {
    cos: gpu.tensor(cos, { shape, dtype }),
    sin: gpu.tensor(sin, { shape, dtype }),
  };
  return { rotary: (positions) => ({ ...tensors, positions, interleaved }), cos, sin };
}

/** Returns rows rotated in float64, and the tolerance for f32 arithmetic: two ulp of the summands. */
function turned(
  numbers: Float32Array,
  [heads, dim]: readonly [number, number],
  { cos, sin }: Tables,
  positions: ArrayLike<number>,
  interleaved: boolean,
): { want: Float64Array; tolerance: Float64Array } {
  const pairs = cos.length / maxPosition;
  const want = Float64Array.from(numbers);
  const tolerance = new Float64Array(numbers.length);
  for (let row = 0; row < numbers.length / dim; row++) {
    const position = positions[Math.floor(row / heads)]!;
    for (let pair = 0; pair < pairs; pair++) {
      const [a, b] = interleaved ? [2 * pair, 2 * pair + 1] : [pair, pair + pairs];
      const [i, j] = [row * dim + a, row * dim + b];
      const [x, y] = [numbers[i]!, numbers[j]!];
      const [c, s] = [cos[position * pairs + pair]!, sin[position * pairs + pair]!];
      want[i] = x * c - y * s;
      want[j] = x * s + y * c;
      tolerance[i] = (Math.abs(x * c) + Math.abs(y * s)) * 2 ** -22;
      tolerance[j] = (Math.abs(x * s) + Math.abs(y * c)) * 2 ** -22;
    }
  }
  return { want, tolerance };
}

const positions = Int32Array.of(0, 36, 5, 5, 17);
const [tokens, heads] = [5, 2];

/** Row-major f32 numbers of an f32 pool whose page p holds token p. */
async function storedKeys(k: Tensor, dim: number, rotary: Rotary): Promise<Float32Array> {
  const geometry = geometryOf('f32', [dim, 1], [1, heads]);
  const { pools } = await poolsOf(gpu, geometry, tokens);
  const v = gpu.tensor(new Float32Array(tokens * heads), { shape: [tokens, heads, 1] });
  const slots = Int32Array.of(0, 1, 2, 3, 4);
  appendRows(gpu, geometry, pools[0]!, { k, v, slots, rotary });
  return (await pools[0]!.k.read()) as Float32Array;
}

const kinds = [
  { name: 'half-split', interleaved: false },
  { name: 'interleaved', interleaved: true },
] as const;

describe.for(kinds)('$name rotary', ({ interleaved }) => {
  it.for([
    [64, 32, 'f32', 'f32', 'dense'],
    [80, 16, 'f16', 'f32', 'inside'],
    [129, 64, 'f32', 'f16', 'transposed'],
    [7, 3, 'f16', 'f16', 'inside'],
    [7, 3, 'bf16', 'bf16', 'inside'],
    [2, 1, 'f32', 'f32', 'dense'],
    [3, 0, 'f32', 'f32', 'dense'],
  ] as const)('turns keys and queries alike: D %i, %i pairs, %s by %s, %s', async (c) => {
    const [dim, pairs, dtype, tableType, layout] = c;
    const numbers = new Rng(dim).normals(tokens * heads * dim);
    const rows = rowsOf(gpu, numbers, [tokens, heads, dim], dtype, layout);
    const tables = tablesOf(pairs, tableType, interleaved);
    const { want, tolerance } = turned(rows.numbers, [heads, dim], tables, positions, interleaved);
    const shape = [tokens, heads, dim];
    const keys = await storedKeys(rows.tensor, dim, tables.rotary(positions));
    expect(keys).toMatchTensor(want, { tolerance, shape });

    const list = gpu.tensor(positions, { shape: [tokens] });
    const queries = rotate(gpu, rows.tensor, tables.rotary(list));
    expect([queries.dtype, queries.shape]).toEqual([dtype, shape]);
    const asKeys = rounded(dtype, keys);
    expect(await queries.read()).toMatchTensor(asKeys, { exact: true, shape });
  });

  it.for(isFullRun() ? (['f16', 'bf16', 'int8', 'int4'] as const) : (['f16', 'int4'] as const))(
    'is applied before rounding to %s',
    async (format) => {
      const dim = 40;
      const numbers = new Rng(3).normals(tokens * heads * dim);
      numbers[dim] = Infinity;
      const { tensor: k } = rowsOf(gpu, numbers, [tokens, heads, dim], 'f32');
      const tables = tablesOf(dim / 2, 'f32', interleaved);
      const rotary = tables.rotary(positions);
      const keys = await storedKeys(k, dim, rotary);
      const geometry = geometryOf(format, [dim, dim], [1, heads]);
      const { pools, hosts } = await poolsOf(gpu, geometry, tokens);
      const slots = Int32Array.of(4, 2, 0, 3, 1);
      appendRows(gpu, geometry, pools[0]!, { k, v: k, slots, rotary });
      // Values are not rotated. Keys rotated beforehand give the same pool.
      const plain = await poolsOf(gpu, geometry, tokens);
      const done = gpu.tensor(keys, { shape: [tokens, heads, dim] });
      appendRows(gpu, geometry, plain.pools[0]!, { k: done, v: k, slots });
      const count = hosts[0]!.k.words.length;
      for (const x of ['k', 'v'] as const) {
        const got = await wordsOf(gpu, pools[0]![x], count);
        expect(got).toEqual(await wordsOf(gpu, plain.pools[0]![x], count));
        const infinite = got.subarray(
          (4 * heads + 1) * (count / 10),
          (4 * heads + 2) * (count / 10),
        );
        if (!isHalf(format)) expect(floatOf(infinite[0]!)).toBeNaN();
      }
    },
  );
});

describe('rotate', () => {
  const [dim, pairs] = [6, 2];
  const numbers = Float32Array.from({ length: tokens * heads * dim }, (_, i) => i - 20);
  const shape = [tokens, heads, dim];

  it('clamps positions that the host cannot see', async () => {
    const q = gpu.tensor(numbers, { shape });
    const { rotary } = tablesOf(pairs, 'f32', false);
    const wild = gpu.tensor(Int32Array.of(-3, 99, 5, 2 ** 31 - 1, -(2 ** 31)), { shape: [tokens] });
    const tame = Int32Array.of(0, maxPosition - 1, 5, maxPosition - 1, 0);
    const want = await rotate(gpu, q, rotary(tame)).read();
    expect(await rotate(gpu, q, rotary(wild)).read()).toEqual(want);
  });

  it.for(['f32', 'f16', 'bf16'] as const)(
    'writes %s to an out of the caller, and nothing beside it',
    async (dtype) => {
      const q = gpu.tensor(numbers.subarray(0, 5 * 2 * 5), { shape: [tokens, heads, 5], dtype });
      const { rotary } = tablesOf(pairs, 'f32', true);
      const want = await rotate(gpu, q, rotary(positions)).read();
      const whole = gpu.tensor(new Float32Array(tokens * heads * 8).fill(7), {
        shape: [tokens, heads, 8],
        dtype,
      });
      const out = whole.slice(2, 2, 7);
      expect(rotate(gpu, q, rotary(positions), out)).toBe(out);
      expect(await out.read()).toEqual(want);
      const beside = await whole.read();
      expect(beside.filter((_, i) => i % 8 < 2 || i % 8 === 7).every((x) => x === 7)).toBe(true);
    },
  );

  it('takes tables, and writes f32, of any strides', async () => {
    const q = gpu.tensor(numbers, { shape });
    const { rotary, cos, sin } = tablesOf(pairs, 'f32', false);
    const want = await rotate(gpu, q, rotary(positions)).read();
    const columns = Float32Array.from({ length: 2 * pairs * maxPosition }, (_, i) => {
      const [column, position] = [Math.floor(i / maxPosition), i % maxPosition];
      return (column < pairs ? cos : sin)[position * pairs + (column % pairs)]!;
    });
    const both = gpu.tensor(columns, { shape: [2 * pairs, maxPosition] });
    const tables = {
      cos: both.slice(0, 0, pairs).permute([1, 0]),
      sin: both.slice(0, pairs, 2 * pairs).permute([1, 0]),
    };
    const out = gpu.empty([dim, heads, tokens]).permute([2, 1, 0]);
    expect(await rotate(gpu, q, { ...tables, positions }, out).read()).toEqual(want);
  });

  it('refuses what does not fit', () => {
    const q = gpu.tensor(numbers, { shape });
    const { rotary } = tablesOf(pairs, 'f32', false);
    const good = rotary(positions);
    const attempt = (r: Partial<Rotary>, out?: Tensor) => (): Tensor =>
      rotate(gpu, q, { ...good, ...r }, out);
    const wide = gpu.empty([maxPosition, 4]);
    const refused: [() => Tensor, string][] = [
      [
        attempt({ cos: wide, sin: wide }),
        'with a rotaryDim of at most 6, the head dim; got [37,4]',
      ],
      [
        attempt({ sin: wide }),
        'rotary.sin must have the shape of rotary.cos; got [37,4] and [37,2]',
      ],
      [attempt({ positions: Int32Array.of(1) }), 'for each of the 5 tokens; got 1'],
      [
        attempt({ positions: Int32Array.of(0, 1, 37, 0, 0) }),
        'from 0 to 36, the last row of rotary.cos; got 37 for token 2',
      ],
      [attempt({ positions: gpu.empty([5]) }), 'rotary.positions must be i32 or u32'],
      [attempt({}, q), 'got the buffer of q'],
      [attempt({}, gpu.empty([5, 2, 5])), 'rotate: out must be [5,2,6], like q'],
    ];
    for (const [call, message] of refused) {
      expect(call).toThrow(ValidationError);
      expect(call).toThrow(message);
    }
    const half = gpu.tensor(numbers, { shape, dtype: 'f16' });
    const odd = gpu.empty([tokens, heads, 7], { dtype: 'f16' }).slice(2, 1, 7);
    expect(() => rotate(gpu, half, good, odd)).toThrow(UnsupportedError);
  });

  it('of nothing is nothing', () => {
    const { rotary } = tablesOf(pairs, 'f32', false);
    expect(rotate(gpu, gpu.empty([0, 2, 6]), rotary(new Int32Array())).shape).toEqual([0, 2, 6]);
  });
});
