import { type DType, ValidationError } from '@heed/core';
import { packHalves, unpackHalves } from '@heed/core/kernel';
import { bits, Rng, testGpu } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { expertLinear, linear } from '../../src/kernels/linear.ts';
import { rowParts } from '../../src/kernels/row-parts.ts';

const gpu = await testGpu();

/** x [tokens, columns] and W [rows, columns] of a dtype, as stored. */
function operands(tokens: number, rows: number, columns: number, dtype: DType, seed = 1) {
  const rng = new Rng(seed);
  const x = rng.normals(tokens * columns);
  const exact = rng.normals(rows * columns);
  const w =
    dtype === 'f32' ? exact : unpackHalves(packHalves(exact, dtype as 'f16'), dtype as 'f16');
  return { x, w, tokens, rows, columns, dtype };
}

type Operands = ReturnType<typeof operands>;

const upload = ({ x, tokens, columns }: Operands, first = 0, count = tokens) =>
  gpu.tensor(x.subarray(first * columns, (first + count) * columns), { shape: [count, columns] });

const weightOf = ({ w, rows, columns, dtype }: Operands, bounds = [0, rows]) =>
  rowParts(
    bounds.slice(1).map((end, i) =>
      gpu.tensor(w.subarray(bounds[i]! * columns, end * columns), {
        shape: [end - bounds[i]!, columns],
        dtype,
      }),
    ),
  );

/** x·Wᵀ in float64, and the bound of the error of any order of f32 additions of products. */
function reference({ x, w, tokens, rows, columns }: Operands) {
  const want = new Float64Array(tokens * rows);
  const tolerance = new Float64Array(tokens * rows);
  for (let t = 0; t < tokens; t++) {
    for (let r = 0; r < rows; r++) {
      let [sum, size] = [0, 0];
      for (let c = 0; c < columns; c++) {
        const product = x[t * columns + c]! * w[r * columns + c]!;
        sum += product;
        size += Math.abs(product);
      }
      want[t * rows + r] = sum;
      // 32 additions in a chain, 2 in a tree, then one per block; each rounds by 2⁻²⁴ of a partial sum.
      tolerance[t * rows + r] = (36 + columns / 128) * 2 ** -24 * size;
    }
  }
  return { want, tolerance };
}

describe('linear', () => {
  it.for([
    ['f32', 1, 5, 12],
    ['f32', 4, 67, 132],
    ['f32', 33, 35, 260],
    ['f16', 3, 9, 700],
    ['f16', 37, 66, 128],
    ['bf16', 1, 33, 1156],
    ['bf16', 5, 1, 4],
    ['bf16', 70, 31, 36],
  ] as const)(
    '%s weight: %i rows of x, [%i, %i], against float64',
    { tags: ['device'] },
    async ([dtype, tokens, rows, columns]) => {
      const given = operands(tokens, rows, columns, dtype);
      const { want, tolerance } = reference(given);
      const got = await linear(gpu, upload(given), weightOf(given)).read();
      expect(got).toMatchTensor(want, { tolerance, shape: [tokens, rows] });
    },
  );

  it.for(['f32', 'bf16'] as const)(
    'the bits of a row depend on neither T, its place nor the parts of a %s weight',
    { tags: ['device'] },
    async (dtype) => {
      const given = operands(41, 70, 396, dtype);
      const whole = weightOf(given);
      const parts = weightOf(given, [0, 1, 34, 66, 70]);
      const [all] = await bits(linear(gpu, upload(given), whole));
      for (const [first, count] of [
        [0, 41],
        [0, 1],
        [7, 1],
        [40, 1],
        [3, 4],
        [9, 5],
        [2, 33],
      ] as const) {
        for (const weight of [whole, parts]) {
          const [some] = await bits(linear(gpu, upload(given, first, count), weight));
          expect(some).toEqual(all!.slice(first * 70, (first + count) * 70));
        }
      }
    },
  );

  it('reads neither rows nor columns beyond those of x', async () => {
    const given = operands(6, 8, 64, 'f32');
    const [want] = await bits(linear(gpu, upload(given), weightOf(given)));
    const padded = new Float32Array(9 * 96).fill(Number.NaN);
    for (let t = 0; t < 6; t++) {
      padded.set(given.x.subarray(t * 64, (t + 1) * 64), (t + 2) * 96 + 4);
    }
    const x = gpu
      .tensor(padded, { shape: [9, 96] })
      .slice(0, 2, 8)
      .slice(1, 4, 68);
    const [got] = await bits(linear(gpu, x, weightOf(given)));
    expect(got).toEqual(want);
  });

  it('returns no rows for no rows', () => {
    const given = operands(0, 8, 64, 'f32');
    expect(linear(gpu, upload(given), weightOf(given)).shape).toEqual([0, 8]);
  });

  it('refuses other columns than the weight has, and rows that start between fours', () => {
    const weight = weightOf(operands(1, 8, 64, 'f32'));
    const x = gpu.tensor(new Float32Array(2 * 68), { shape: [2, 68] });
    expect(() => linear(gpu, x, weight)).toThrow(ValidationError);
    expect(() => linear(gpu, x.slice(1, 3, 67), weight)).toThrow('multiple of 4');
  });
});

describe('expertLinear', () => {
  it.for(['f32', 'f16'] as const)(
    'has the bits of linear with the matrix of each expert, %s',
    async (dtype) => {
      // 5 experts of 9 rows, in parts of 2, 1 and 2 experts; 6 tokens choose 3.
      const given = operands(6, 45, 260, dtype);
      const weight = weightOf(given, [0, 18, 27, 45]);
      const experts = Uint32Array.of(4, 0, 1, 3, 2, 1, 0, 1, 2, 4, 3, 0, 2, 0, 4, 1, 4, 3);
      const chosen = gpu.tensor(experts, { shape: [6, 3] });
      const [whole] = await bits(linear(gpu, upload(given), weight));
      const want = [...experts].flatMap((expert, pair) => {
        const first = Math.floor(pair / 3) * 45 + expert * 9;
        return [...whole!.subarray(first, first + 9)];
      });
      const [shared] = await bits(expertLinear(gpu, upload(given), weight, { count: 5, chosen }));
      expect(shared).toEqual(Uint32Array.from(want));
      // A row of x per pair: the same rows, repeated.
      const repeated = Float32Array.from({ length: 18 * 260 }, (_, i) => {
        return given.x[Math.floor(i / 260 / 3) * 260 + (i % 260)]!;
      });
      const rows = gpu.tensor(repeated, { shape: [18, 260] });
      expect(await bits(expertLinear(gpu, rows, weight, { count: 5, chosen }))).toEqual([shared]);
    },
  );
});
