import { type DType, ValidationError } from '@heed/core';
import { packHalves, unpackHalves } from '@heed/core/kernel';
import { bits, Rng, testGpu } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { addInto, capInto, scaleInto } from '../../src/kernels/in-place.ts';
import { mixExperts } from '../../src/kernels/mix-experts.ts';
import { type Activation, embed, gatedMlp, rmsNorm } from '../../src/kernels/row-kernels.ts';
import { rowParts } from '../../src/kernels/row-parts.ts';
import { topLogits } from '../../src/kernels/top-logits.ts';

const gpu = await testGpu();
const ulp = 2 ** -23;

describe('embed', () => {
  it.for(['f32', 'f16', 'bf16'] as const)(
    'takes rows of a %s table in parts',
    async (dtype: DType) => {
      const exact = new Rng(1).normals(11 * 12);
      const stored =
        dtype === 'f32' ? exact : unpackHalves(packHalves(exact, dtype as 'f16'), dtype as 'f16');
      const part = (first: number, end: number) =>
        gpu.tensor(stored.subarray(first * 12, end * 12), { shape: [end - first, 12], dtype });
      const table = rowParts([part(0, 4), part(4, 5), part(5, 11)]);
      const ids = Int32Array.of(10, 0, 4, 3, 5, 4);
      const got = await embed(gpu, table, ids, 2).read();
      const want = [...ids].flatMap((id) =>
        [...stored.subarray(id * 12, id * 12 + 12)].map((x) => 2 * x),
      );
      expect(got).toMatchTensor(want);
    },
  );

  it('takes ids on the device', async () => {
    const stored = new Rng(1).normals(6 * 4);
    const table = rowParts([gpu.tensor(stored, { shape: [6, 4] })]);
    const ids = gpu.tensor(Uint32Array.of(5, 0, 3, 3), { shape: [2, 2] });
    const want = [5, 0, 3, 3].flatMap((id) => [...stored.subarray(id * 4, id * 4 + 4)]);
    expect(await embed(gpu, table, ids).read()).toMatchTensor(want);
  });

  it('refuses an id that is not a row', () => {
    const table = rowParts([gpu.tensor(new Float32Array(8), { shape: [2, 4] })]);
    expect(() => embed(gpu, table, Int32Array.of(0, 2))).toThrow(ValidationError);
    expect(() => embed(gpu, table, Int32Array.of(-1))).toThrow('from 0 to 1');
  });
});

describe('rmsNorm', () => {
  it.for([
    [1, 0],
    [63, 1],
    [64, 0],
    [257, 1],
  ] as const)(
    'rows of %i columns, weight + %i, against float64',
    { tags: ['device'] },
    async ([columns, offset]) => {
      const rng = new Rng(columns);
      const [x, weight] = [rng.normals(3 * columns, 5), rng.normals(columns)];
      const want = new Float64Array(3 * columns);
      for (let row = 0; row < 3; row++) {
        const values = x.subarray(row * columns, (row + 1) * columns);
        const square = values.reduce((sum, value) => sum + value * value, 0) / columns;
        values.forEach((value, i) => {
          want[row * columns + i] = (value / Math.sqrt(square + 1e-5)) * (offset + weight[i]!);
        });
      }
      // inverseSqrt may be off by 2 ulp; the sum of squares has few additions in a chain, and four products follow.
      const tolerance = want.map((value) => (12 + columns / 64) * ulp * Math.abs(value));
      const rows = gpu.tensor(x, { shape: [3, columns] });
      const by = gpu.tensor(weight, { shape: [columns] });
      const got = await rmsNorm(gpu, rows, by, { eps: 1e-5, offset }).read();
      expect(got).toMatchTensor(want, { tolerance, shape: [3, columns] });
    },
  );

  it('gives a row the same bits alone, and reads nothing beside it', async () => {
    const x = new Rng(5).normals(70 * 40);
    const weight = gpu.tensor(new Rng(6).normals(40), { shape: [40] });
    const norm = { eps: 1e-6, offset: 1 } as const;
    const [all] = await bits(rmsNorm(gpu, gpu.tensor(x, { shape: [70, 40] }), weight, norm));
    const padded = new Float32Array(3 * 50).fill(Number.NaN);
    padded.set(x.subarray(69 * 40), 54);
    const row = gpu
      .tensor(padded, { shape: [3, 50] })
      .slice(0, 1, 2)
      .slice(1, 4, 44);
    expect(await bits(rmsNorm(gpu, row, weight, norm))).toEqual([all!.slice(69 * 40)]);
  });
});

describe('gatedMlp', () => {
  const LIMIT = 2;
  const exact: Record<Activation, (g: number, up: number) => number> = {
    silu: (g, up) => (g / (1 + Math.exp(-g))) * up,
    'gelu-tanh': (g, up) => {
      return 0.5 * g * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (g + 0.044715 * g ** 3))) * up;
    },
    'clamped-swish': (gate, up) => {
      const g = Math.min(gate, LIMIT);
      return (g / (1 + Math.exp(-1.702 * g))) * (Math.max(-LIMIT, Math.min(up, LIMIT)) + 1);
    },
  };

  it.for(Object.keys(exact) as Activation[])(
    '%s against float64, of columns of wider rows',
    { tags: ['device'] },
    async (activation) => {
      const special = [0, -0, 1e-30, 40, -40, 1e4, -1e4];
      const gate = Float32Array.of(...special, ...new Rng(2).normals(93, 3));
      const up = new Rng(3).normals(100, 2);
      const want = Float64Array.from(gate, (g, i) => exact[activation](g, up[i]!));
      // exp(e) may be off by 3 + 2·|e| ulp, and e by a few ulp of itself; an exponent of −80 or less gives at most 10⁻³⁰. 1 + tanh(u)
      // above, and up + 1, are off by half an ulp of 1.
      const tolerance = want.map((value, i) => {
        const exponent = Math.min(80, 2 * Math.abs(gate[i]!) ** 3);
        const ofOne = activation === 'clamped-swish' ? ulp : 2 ** -52;
        const size = Math.min(Math.abs(gate[i]!), activation === 'clamped-swish' ? 3 : Infinity);
        return (
          (12 + 8 * exponent) * ulp * Math.abs(value) + ofOne * size * Math.max(1, Math.abs(up[i]!))
        );
      });
      const both = new Float32Array(4 * 60).fill(Number.NaN);
      for (let row = 0; row < 4; row++) {
        both.set(gate.subarray(row * 25, row * 25 + 25), row * 60 + 3);
        both.set(up.subarray(row * 25, row * 25 + 25), row * 60 + 30);
      }
      const wide = gpu.tensor(both, { shape: [4, 60] });
      const operands = [wide.slice(1, 3, 28), wide.slice(1, 30, 55)] as const;
      const got = await gatedMlp(gpu, ...operands, activation, LIMIT).read();
      expect(got).toMatchTensor(want, { tolerance });
    },
  );

  it('refuses tensors of other shapes', () => {
    const [a, b] = [gpu.empty([2, 4]), gpu.empty([2, 5])];
    expect(() => gatedMlp(gpu, a, b, 'silu')).toThrow(ValidationError);
  });
});

describe('mixExperts', () => {
  it('adds results by the softmax of their logits', async () => {
    const rng = new Rng(4);
    const results = rng.normals(5 * 3 * 7);
    const ordered = Array.from({ length: 5 }, () =>
      [...rng.normals(3, 2)].toSorted((a, b) => b - a),
    );
    const logits = Float32Array.from(ordered.flat());
    const want = new Float64Array(5 * 7);
    const tolerance = new Float64Array(5 * 7);
    for (let t = 0; t < 5; t++) {
      const powers = [0, 1, 2].map((i) => Math.exp(logits[t * 3 + i]!));
      const total = powers.reduce((a, b) => a + b);
      for (let c = 0; c < 7; c++) {
        powers.forEach((power, i) => {
          const term = (power / total) * results[(t * 3 + i) * 7 + c]!;
          want[t * 7 + c]! += term;
          tolerance[t * 7 + c]! += 20 * ulp * Math.abs(term);
        });
      }
    }
    const rows = gpu.tensor(results, { shape: [15, 7] });
    const got = await mixExperts(gpu, rows, gpu.tensor(logits, { shape: [5, 3] })).read();
    expect(got).toMatchTensor(want, { tolerance });
    expect(() => mixExperts(gpu, rows, gpu.empty([4, 3]))).toThrow(ValidationError);
  });
});

describe('addInto', () => {
  it('adds a tensor, and a row to each row', async () => {
    const [x, y, row] = [1, 2, 3].map((seed) => new Rng(seed).normals(seed === 3 ? 5 : 15));
    const sum = gpu.tensor(x!, { shape: [3, 5] });
    addInto(gpu, sum, gpu.tensor(y!, { shape: [3, 5] }));
    addInto(gpu, sum, gpu.tensor(row!, { shape: [5] }));
    const want = x!.map((value, i) => Math.fround(value + y![i]!) + row![i % 5]!);
    expect(await sum.read()).toMatchTensor(want);
  });
});

describe('scaleInto and capInto', () => {
  it('multiplies, and bounds by tanh', { tags: ['device'] }, async () => {
    const x = Float32Array.of(0, -0.5, 3, 40, -1e6, ...new Rng(8).normals(20, 30));
    const scaled = gpu.tensor(x, { shape: [5, 5] });
    scaleInto(gpu, scaled, 1.5);
    expect(await scaled.read()).toMatchTensor(x.map((value) => value * 1.5));
    const capped = gpu.tensor(x, { shape: [25] });
    capInto(gpu, capped, 30);
    const want = Float64Array.from(x, (value) => 30 * Math.tanh(value / 30));
    // exp, a difference and a quotient of numbers of at most 2, each off by a few ulp of 1.
    expect(await capped.read()).toMatchTensor(want, { tolerance: 30 * 8 * ulp });
  });
});

describe('topLogits', () => {
  /** The order by definition. NaN counts as −∞. */
  const ordered = (row: Float32Array): number[] => {
    const key = (id: number) => (Number.isNaN(row[id]!) ? -Infinity : row[id]!);
    const compare = (a: number, b: number) =>
      key(a) === key(b) ? a - b : key(a) > key(b) ? -1 : 1;
    return Array.from(row, (_, id) => id).toSorted(compare);
  };

  it.for([
    [1, 1],
    [64, 64],
    [1023, 5],
    [1025, 1],
    [1030, 64],
    [20_000, 64],
  ] as const)('of %i logits the first %i', { tags: ['device'] }, async ([count, k]) => {
    const rng = new Rng(count);
    // Few distinct values, so that ids decide; also those at the ends of the order.
    const logits = Float32Array.from({ length: 3 * count }, () => rng.int(-40, 40) / 8);
    for (const [i, value] of [Number.NaN, -Infinity, -0, 0].entries()) logits[i * 7] = value;
    const whole = gpu.tensor(logits, { shape: [3, count] });
    const top = topLogits(gpu, whole, k);
    const [ids, values] = await Promise.all([top.ids.read(), top.logits.read()]);
    for (let row = 0; row < 3; row++) {
      const of = logits.subarray(row * count, (row + 1) * count);
      const want = ordered(of).slice(0, k);
      expect(Array.from(ids.subarray(row * k, (row + 1) * k))).toEqual(want);
      const nan = (value: number) => (Number.isNaN(value) ? -Infinity : value);
      expect(values.slice(row * k, (row + 1) * k)).toMatchTensor(want.map((id) => nan(of[id]!)));
    }
  });

  it('refuses more than 64, and more than there are', () => {
    expect(() => topLogits(gpu, gpu.empty([1, 100]), 65)).toThrow(ValidationError);
    expect(() => topLogits(gpu, gpu.empty([1, 10]), 11)).toThrow('from 1 to 10');
  });
});
