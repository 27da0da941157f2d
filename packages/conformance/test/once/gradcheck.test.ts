import { gradcheck, type GradcheckInputs } from '@heed/conformance';
import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import { createBlockMask, flexAttentionVjp } from '@heed/flex';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';

type Values = { bias: Tensor; gate: Tensor; most: number; softly: (x: number) => number };

let gpu: Gpu;
let inputs: GradcheckInputs<Values>;
beforeAll(async () => {
  gpu = await testGpu();
  const rng = new Rng(3);
  const tensor = (...shape: number[]) =>
    gpu.tensor(rng.normals(shape.reduce((a, b) => a * b, 1)), { shape });
  inputs = {
    q: tensor(9, 2, 8),
    k: tensor(11, 1, 8),
    v: tensor(11, 1, 8),
    cuSeqlensQ: Int32Array.of(0, 4, 9),
    cuSeqlensK: gpu.tensor([0, 5, 11], { shape: [3], dtype: 'i32' }),
    sinks: tensor(2),
    captures: { bias: tensor(2, 13), gate: tensor(), most: 6, softly: (x: number) => Math.tanh(x) },
    scoreMod: (s, b, h, q, kv, c) =>
      kv > q + 1 ? -Infinity : c.softly(s * c.gate) + c.bias[h]![q - kv + c.most]!,
    maskMod: (b, h, q, kv) => q - kv < 5,
  };
});

describe('gradcheck', () => {
  it('finds the gradients of flexAttentionVjp right', async () => {
    const report = await gradcheck(flexAttentionVjp, inputs);
    expect(report.toText()).toMatch(/^gradcheck: ok/);
    expect(report.ok).toBe(true);
    const names = report.worst.map(({ name }) => name);
    expect(names.toSorted()).toEqual(['bias', 'gate', 'k', 'q', 'sinks', 'v']);
    expect(Math.max(...report.worst.map(({ error }) => error))).toBeLessThan(1e-4);
  });

  it('finds the gradients of attention to selected keys right', async () => {
    // Key 1 is in every list, twice in some; −1 and 7 name no key.
    const list = Array.from({ length: 9 * 2 }, (_, n) => [
      1,
      n % 6,
      n % 3 === 0 ? 1 : -1,
      7,
    ]).flat();
    const selectedKeys = gpu.tensor(list, { shape: [9, 2, 4], dtype: 'i32' });
    const report = await gradcheck(flexAttentionVjp, { ...inputs, selectedKeys });
    expect(report.toText()).toMatch(/^gradcheck: ok/);
    expect(Math.max(...report.worst.map(({ error }) => error))).toBeLessThan(1e-4);
  });

  it.for<[name: string, options: () => Partial<GradcheckInputs<Values>>]>([
    ['a scale per head', () => ({ scale: gpu.tensor([0.3, -0.4], { shape: [2] }) })],
    ['a scale of all heads', () => ({ scale: gpu.tensor([0.6], { shape: [] }) })],
    ['dropout', () => ({ dropout: { rate: 0.4, seed: 2 ** 40 + 5 } })],
    [
      'dropout with a seed on the GPU',
      () => ({
        dropout: { rate: 0.4, seed: gpu.tensor([7, 9], { shape: [2], dtype: 'u32' }) },
      }),
    ],
    ['values in the memory of the keys', () => ({ v: inputs.k.slice(-1, 0, 5) })],
  ])('finds the gradients right with %s', async ([, options]) => {
    const given = { ...inputs, ...options() };
    const report = await gradcheck(flexAttentionVjp, given);
    expect(report.toText()).toMatch(/^gradcheck: ok/);
    expect(Math.max(...report.worst.map(({ error }) => error))).toBeLessThan(1e-4);
    const names = report.worst.map(({ name }) => name);
    expect(names.includes('scale')).toBe(typeof given.scale === 'object');
  });

  it.for([
    [257, 320],
    [576, 512],
  ] as const)(
    'finds the gradients of tables right at head dims %s and %s',
    { tags: ['full'] },
    async ([dim, dimV]) => {
      const rng = new Rng(dim);
      const tensor = (...shape: number[]) =>
        gpu.tensor(rng.normals(shape.reduce((a, b) => a * b, 1)), { shape });
      const [q, k, v] = [tensor(9, 2, dim), tensor(11, 1, dim), tensor(11, 1, dimV)] as const;
      const dropout = { rate: 0.3, seed: 3 };
      const report = await gradcheck(flexAttentionVjp, { ...inputs, q, k, v, dropout });
      expect(report.toText()).toMatch(/^gradcheck: ok/);
      const names = report.worst.map(({ name }) => name);
      expect(names.toSorted()).toEqual(['bias', 'gate', 'k', 'q', 'sinks', 'v']);
      expect(Math.max(...report.worst.map(({ error }) => error))).toBeLessThan(1e-4);
    },
  );

  it.for(['q', 'gate'])('finds a wrong derivative by %s, and names it', async (name) => {
    const wrong: Parameters<typeof gradcheck>[0] = (...given) => {
      const result = flexAttentionVjp(...given);
      const backward: typeof result.backward = (dOut, dLse) => {
        const gradients = result.backward(dOut, dLse);
        const { dCaptures } = gradients;
        if (name === 'q') return { ...gradients, dq: gpu.empty([9, 2, 8]) };
        return { ...gradients, dCaptures: { ...dCaptures, gate: gpu.empty([]) } };
      };
      return { ...result, backward };
    };
    const report = await gradcheck(wrong, inputs);
    expect(report.ok).toBe(false);
    expect(report.toText()).toMatch(new RegExp(`^gradcheck: wrong[^]*✗ +${name}\\[`));
  });

  it('wants functions, not a blockMask', async () => {
    const blockMask = createBlockMask(gpu, (b, h, q, kv) => q >= kv, { Lq: 9, Lk: 11 });
    const run = gradcheck(flexAttentionVjp, { ...inputs, blockMask });
    await expect(run).rejects.toThrow(ValidationError);
    await expect(run).rejects.toThrow(/^gradcheck: .*Pass the maskMod/);
  });
});
