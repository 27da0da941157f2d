import type { Gpu, Tensor } from '@heed/core';
import { type AttentionOptions, attentionVjp, varlenAttentionVjp } from '@heed/kernels-wgsl';
import { sectionsOf, tableRows, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { flexAttentionVjp } from '../../src/index.ts';
import { countingBytes } from './counted-calls.ts';

const texts = import.meta.glob(['../../../../docs/backward.md'], {
  query: '?raw',
  import: 'default',
  eager: true,
});
const doc = texts['../../../../docs/backward.md']!;

let device: Gpu;
beforeAll(async () => {
  device = await testGpu();
});

const [BATCH, HEADS, D] = [4, 8, 64];
const MIB = 2 ** 20;

type Step = (gpu: Gpu, length: number) => () => Iterable<Tensor | undefined>;

const qkv = (gpu: Gpu, shape: readonly number[]): [Tensor, Tensor, Tensor] => [
  gpu.empty([...shape]),
  gpu.empty([...shape]),
  gpu.empty([...shape]),
];

const dense =
  (options: (gpu: Gpu) => AttentionOptions): Step =>
  (gpu, length) => {
    const inputs = qkv(gpu, [1, HEADS, length, D]);
    const given = options(gpu);
    return () => {
      const { out, lse, backward } = attentionVjp(...inputs, given);
      return [out, lse, ...Object.values(backward(inputs[0]))];
    };
  };

const ofHeads = (gpu: Gpu): Tensor => gpu.empty([HEADS]);

/** Calls whose step is a forward and a backward pass, by what the guide calls them. */
const steps: Readonly<Record<string, Step>> = {
  'attentionVjp, causal': dense(() => ({ causal: true })),
  'with sinks and slopes': dense((gpu) => ({ sinks: ofHeads(gpu), alibiSlopes: ofHeads(gpu) })),
  varlenAttentionVjp: (gpu, length) => {
    const inputs = qkv(gpu, [length, HEADS, D]);
    const cuSeqlensQ = Int32Array.of(0, length / 4, length);
    return () => {
      const { out, lse, backward } = varlenAttentionVjp(...inputs, { cuSeqlensQ });
      return [out, lse, ...Object.values(backward(inputs[0]))];
    };
  },
  'flexAttentionVjp, a bias [2·L − 1]': (gpu, length) => {
    const inputs = qkv(gpu, [1, HEADS, length, D]);
    const captures = { bias: gpu.empty([2 * length - 1]), last: length - 1 };
    return () => {
      const { out, lse, backward } = flexAttentionVjp(...inputs, {
        scoreMod: (s, b, h, q, kv, c) => s + c.bias[q - kv + c.last]!,
        captures,
      });
      const { dCaptures, ...gradients } = backward(inputs[0]);
      return [out, lse, ...Object.values(gradients), ...Object.values(dCaptures)];
    };
  },
  'k and v shared by a batch of 4': (gpu, length) => {
    const q = gpu.empty([BATCH, HEADS, length, D]);
    const [k, v] = qkv(gpu, [1, HEADS, length, D]);
    return () => {
      const { out, lse, backward } = attentionVjp(q, k, v);
      return [out, lse, ...Object.values(backward(q))];
    };
  },
};

interface Measured {
  /** What the first step allocates beside its inputs, results included. */
  readonly first: number;
  /** What the second one allocates on top, the results of the first disposed. */
  readonly second: number;
}

const measure = (step: Step, length: number): Promise<Measured> =>
  countingBytes(device, ({ gpu, bytes }) => {
    const run = step(gpu, length);
    const start = bytes();
    for (const tensor of run()) tensor?.dispose();
    const first = bytes() - start;
    for (const tensor of run()) tensor?.dispose();
    return { first, second: bytes() - start - first };
  });

const lengths = [1024, 2048, 4096];

/** One after the other: each counts on the same device. */
async function measureAll(step: Step): Promise<Measured[]> {
  const all: Measured[] = [];
  for (const length of lengths) all.push(await measure(step, length));
  return all;
}

describe('a forward and a backward pass', () => {
  it.for(Object.entries(steps))('allocate O(L): %s', async ([, step]) => {
    const [one, two, four] = await measureAll(step);
    const [slope, next] = [two!.first - one!.first, four!.first - two!.first];
    // Linear: twice as much for twice as much. Buffers are rounded up to a quarter of a power of two.
    expect(slope).toBeGreaterThan(0);
    expect(next / slope).toBeGreaterThan(1.9);
    expect(next / slope).toBeLessThan(2.1);
    // One batch entry's scores alone would be this much.
    expect(four!.first).toBeLessThan((HEADS * 4096 * 4096 * 4) / 3);
  });

  it.for(Object.entries(steps))('allocate nothing the next time: %s', async ([, step]) => {
    expect((await measure(step, 1024)).second).toBe(0);
  });
});

describe('the table of docs/backward.md', () => {
  const rows = tableRows(sectionsOf(doc).get('Memory')!);

  it('has every call', () => {
    expect(rows.map(([call]) => call)).toEqual([
      ...Object.keys(steps),
      'all scores, for comparison',
    ]);
  });

  it.for(rows.slice(0, -1))('is right about %s', async ([call, ...stated]) => {
    const measured = await measureAll(steps[call!]!);
    expect(stated).toEqual(measured.map(({ first }) => (first / MIB).toFixed(1)));
  });

  it('is right about all scores', () => {
    expect(rows.at(-1)!.slice(1)).toEqual(
      lengths.map((n) => ((HEADS * n * n * 4) / MIB).toFixed(1)),
    );
  });
});
