import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import { attentionVjp } from '@heed/kernels-wgsl';
import { bits, isFullRun, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { flexAttentionVjp } from '../../src/index.ts';
import {
  differences,
  GradientData,
  type Layout,
  layouts,
  type Learnable,
  learnables,
  type Operand,
} from './finite-differences.ts';
import { captured, expectAttention } from './flex-data.ts';

let gpu: Gpu;
let data: GradientData;
beforeAll(async () => {
  gpu = await testGpu();
  data = new GradientData(gpu);
});

type Vjp = ReturnType<typeof flexAttentionVjp>;

function vjp({ scoreMod, tables }: Learnable, layout: Layout, grads?: readonly string[]): Vjp {
  const { q, k, v } = layout.tensors(data.inputs);
  const options = {
    ...layout.options,
    scoreMod,
    captures: captured(gpu, tables),
    ...(grads && { grads }),
  };
  return flexAttentionVjp(q, k, v, options);
}

async function expectGradients(learnable: Learnable, layout: Layout): Promise<void> {
  const { out, backward } = vjp(learnable, layout);
  const { inputs } = data;
  const score = data.scoreOf(learnable);
  await expectAttention({ out }, { ...inputs.arrays, sequences: layout.sequences, score });
  const { dq, dk, dv, dCaptures } = backward(data.dOut(layout));
  await expectSlope(learnable, layout, 'q', dq);
  await expectSlope(learnable, layout, 'k', dk);
  await expectSlope(learnable, layout, 'v', dv);
  const want = data.byTables(learnable, layout);
  expect(Object.keys(dCaptures).toSorted()).toEqual(Object.keys(want).toSorted());
  for (const [name, numeric] of Object.entries(want)) {
    const got = dCaptures[name]!;
    expect(got.shape, name).toEqual(learnable.tables[name]!.shape);
    expect(got.dtype, name).toBe('f32');
    const most = numeric.reduce((a, x) => Math.max(a, Math.abs(x)), 0);
    expect(most, name).toBeGreaterThan(0.01);
    expect(await got.read(), name).toMatchTensor(numeric, { tolerance: 1e-5 * Math.max(1, most) });
  }
}

async function expectSlope(
  learnable: Learnable,
  layout: Layout,
  name: Operand,
  gradient: Tensor,
): Promise<void> {
  const want = data.along(learnable, layout, name);
  const direction = data.direction(name);
  const rows = layout === layouts.dense ? gradient.permute([0, 2, 1, 3]) : gradient;
  const elements = Array.from(await rows.read());
  const got = elements.reduce((sum, x, i) => sum + x * direction[i]!, 0);
  expect(Math.abs(want), name).toBeGreaterThan(0.01);
  expect(Math.abs(got - want), `d${name} along a direction`).toBeLessThan(
    1e-5 * Math.max(1, Math.abs(want)),
  );
}

// Each of them is four kernels to compile.
const names = isFullRun() ? Object.keys(learnables) : ['two distinct'];

describe('attention is that of float64, and its gradients those of differences', () => {
  it.for(names)('dense: %s', async (name) => {
    await expectGradients(learnables[name]!, layouts.dense);
  });

  it('varlen: two distinct', { tags: ['full'] }, async () => {
    await expectGradients(learnables['two distinct']!, layouts.varlen);
  });

  it('paged: branches with −Infinity', { tags: ['full'] }, async () => {
    await expectGradients(learnables['branches with −Infinity']!, layouts.paged);
  });
});

const exact = learnables['two distinct']!;
const absolute = learnables['absolute 2d']!;

describe('sums of contributions', () => {
  const scaled = (factor: number): Tensor => {
    const list = data.gradient.arrays.q as Float32Array;
    return gpu
      .tensor(
        list.map((x) => x * factor),
        { shape: [2, 11, 4, 8] },
      )
      .permute([0, 2, 1, 3]);
  };

  it.for([-40, 40])('scale exactly with dOut · 2^%i', async (power) => {
    const { backward } = vjp(exact, layouts.dense);
    const factor = 2 ** power;
    const [plain, small] = [backward(scaled(1)), backward(scaled(factor))];
    for (const name of ['rows', 'keys']) {
      const want = (await plain.dCaptures[name]!.read()).map((x) => x * factor);
      expect(await small.dCaptures[name]!.read(), name).toEqual(want);
    }
    for (const name of ['dq', 'dk', 'dv'] as const) {
      const want = (await plain[name].read()).map((x) => x * factor);
      expect(await small[name].read(), name).toEqual(want);
    }
  });

  it(
    'are of weights that sum to 1 in each row, however large scores are',
    { tags: ['full'] },
    async () => {
      const { lse, backward } = vjp(absolute, { ...layouts.dense, options: { scale: 150 } });
      const largest = Math.max(...(await lse.read()).map(Math.abs));
      expect(largest).toBeGreaterThan(500);
      const nothing = gpu.tensor(new Float32Array(704), { shape: [2, 11, 4, 8] });
      let worst = 0;
      for (let first = 0; first < 88; first += 11) {
        // Of one head of one entry, so that each row of the table has the weights of one row.
        const one = new Float32Array(88).fill(1, first, first + 11);
        const dLse = gpu.tensor(one, { shape: [2, 4, 11] });
        const { dCaptures } = backward(nothing.permute([0, 2, 1, 3]), dLse);
        const weights = Array.from(await dCaptures['bias']!.read());
        for (let q = 3; q < 14; q++) {
          const sum = weights.slice(14 * q, 14 * (q + 1)).reduce((a, x) => a + x);
          worst = Math.max(worst, Math.abs(sum - 1));
        }
      }
      expect(worst).toBeLessThan(8 * 2 ** -23);
    },
  );

  it('have the same bits in every run', { tags: ['full'] }, async () => {
    const run = async (): Promise<unknown> => {
      const { dq, dk, dv, dCaptures } = vjp(exact, layouts.varlen).backward(
        data.dOut(layouts.varlen),
      );
      return bits(dq, dk, dv, dCaptures['rows'], dCaptures['keys']);
    };
    const first = await run();
    for (let i = 0; i < 5; i++) expect(await run()).toEqual(first);
  });

  it('are NaN where one of them is not finite, and nowhere else', { tags: ['full'] }, async () => {
    const list = (data.gradient.arrays.q as Float32Array).slice();
    // Entry 1, row 5, head 2: position 8.
    list[((11 + 5) * 4 + 2) * 8] = NaN;
    const dOut = gpu.tensor(list, { shape: [2, 11, 4, 8] }).permute([0, 2, 1, 3]);
    const { dCaptures } = vjp(absolute, layouts.dense).backward(dOut);
    const got = await dCaptures['bias']!.read();
    const want = data.byTables(absolute, layouts.dense)['bias']!;
    const isOfRow = (i: number): boolean => Math.floor(i / 14) === 8;
    expect(got).toMatchTensor(
      want.map((x, i) => (isOfRow(i) ? NaN : x)),
      { tolerance: 1e-4 },
    );
  });
});

describe('grads', () => {
  it('says of which tables there are gradients', async () => {
    const dOut = data.dOut(layouts.dense);
    const all = vjp(exact, layouts.dense).backward(dOut).dCaptures;
    const { dCaptures: one } = vjp(exact, layouts.dense, ['keys']).backward(dOut);
    expect(Object.keys(one)).toEqual(['keys']);
    expect(await bits(one['keys'])).toEqual(await bits(all['keys']));
    expect(vjp(exact, layouts.dense, []).backward(dOut).dCaptures).toEqual({});
  });

  it.for(['row', 'offset'])('does not take %s, which is no float table that is read', (name) => {
    const run = (): unknown => vjp(learnables['indirect']!, layouts.dense, [name]);
    expect(run).toThrow(ValidationError);
    expect(run).toThrow(`(bias); got '${name}'`);
  });
});

const slopes = [0.25, 0.0625, -0.125, 0.5, 0.03125, 0.375, 0.75, 0.1875];
const sinks = [0.5, -1, 1.5, -3];

describe.for([{ shape: [4] }, { shape: [2, 4] }])('slopes $shape, and sinks', ({ shape }) => {
  const given = slopes.slice(
    0,
    shape.reduce((a, b) => a * b),
  );

  const loss = (slopesAt: ArrayLike<number>, sinksAt: ArrayLike<number>): number =>
    data.loss(layouts.dense, {
      score: (s, b, h, q, kv) =>
        s - slopesAt[shape.length === 2 ? 4 * b + h : h]! * Math.abs(q - kv),
      sinks: Array.from(sinksAt),
    });

  it('have the gradients of float64 differences', { tags: ['full'] }, async () => {
    const { q, k, v } = layouts.dense.tensors(data.inputs);
    const { backward } = attentionVjp(q, k, v, {
      alibiSlopes: gpu.tensor(given, { shape }),
      sinks: gpu.tensor(sinks, { shape: [4] }),
    });
    const { dAlibiSlopes, dSinks } = backward(data.dOut(layouts.dense));
    expect(dAlibiSlopes!.shape).toEqual(shape);
    expect(await dAlibiSlopes!.read()).toMatchTensor(
      differences((x) => loss(x, sinks), given),
      { tolerance: 3e-5 },
    );
    expect(dSinks!.shape).toEqual([4]);
    expect(await dSinks!.read()).toMatchTensor(
      differences((x) => loss(given, x), sinks),
      { tolerance: 1e-5 },
    );
  });
});
