import { type Gpu } from '@heed/core';
import { testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileResolved, toScoreHook } from '../../src/text/compile/compiled-mod.ts';
import { resolve } from '../../src/text/compile/resolve.ts';
import { jsMod } from '../../src/text/compile/compile-mod.ts';
import { compileMod, f32, flexAttention, type ScoreMod } from '../../src/index.ts';
import { value } from '../programs/same.ts';
import { functionOf } from '../programs/world.ts';
import { type GpuPair, packTables, runPairs } from './hook-kernel.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const captures = { zero: f32(0), y: f32(-0.5) };

/** The first have the same bits everywhere; WGSL gives the others room. */
const exact = [
  's % 0.1',
  '(-s) % 0.3',
  's % 1e-20',
  's % 3e38',
  's % c.zero',
  '(q - kv) % 0.7',
  's / 0',
  'q / 0',
  's / -0',
  'q / c.zero',
  '(q - kv) ** -1',
  'Math.atan2(q - kv, q - kv) * (q === kv ? 1 : 0)',
];
const near = [
  's + Math.abs(q - kv) ** -0.5',
  '(q - kv) ** -0.5',
  '(q - kv) ** c.y',
  '(q - kv) ** -3',
  'Math.abs(q - kv) ** 20',
  'Math.atan2(kv - q, q)',
  'Math.log(q - kv) + s',
  'Math.log2(q - kv)',
  'Math.log10(Math.max(s, 0))',
];

const pairs: GpuPair[] = [0, 0.5, 1, -1, 7, 100, -3.25, 1e9, 1e30, 2.5e38].flatMap((score) =>
  [-2, 0, 1, 4].map((q) => ({ score, b: 0, h: 0, q, kv: 1, qLen: 8, kvLen: 8 })),
);

const scoreOf = (bits: number): number => {
  const score = new Float32Array(Uint32Array.of(bits).buffer)[0]!;
  return score > -1e30 ? Math.min(score, Math.fround(1e38)) : -Infinity;
};

describe('where numbers end', { tags: ['device'] }, () => {
  it('the twin and the GPU agree', async () => {
    const all = [...exact, ...near].map((text) => {
      const resolution = resolve('test', functionOf(value(text)), captures);
      const mod = compileResolved('test', resolution, 'score');
      return { text, mod, js: jsMod(mod, resolution) };
    });
    const hooks = all.map(({ mod }, i) => toScoreHook(mod, `f${i}`));
    const { words, places: tables } = packTables([]);
    const got = await runPairs(gpu, hooks, { scalars: [0, -0.5], tables }, words, pairs);
    for (const [i, { text, js }] of all.entries()) {
      for (const [j, pair] of pairs.entries()) {
        const { score, b, h, q, kv } = pair;
        const want = js(score, b, h, q, kv) as number;
        const actual = scoreOf(got[i]![j]!);
        const margin = i < exact.length ? 0 : 1e-5 + 1e-3 * Math.abs(want);
        const isSame = actual === want || Math.abs(actual - want) <= margin;
        expect(isSame, `${text} of ${score}, ${q}: ${actual}, not ${want}`).toBe(true);
      }
    }
  });

  it('a finite score never hides its pair, however large', async () => {
    const scoreMod: ScoreMod<{ factor: number }> = (s, b, h, q, kv, { factor }) => s * factor;
    const scores = [0.5, 1e38, 2e38, 2.5e38, 3.4e38, -1e29, -3e38];
    const q = gpu.tensor(scores, { shape: [1, 1, scores.length, 1] });
    const one = gpu.tensor([1], { shape: [1, 1, 1, 1] });
    const options = { align: 'start', scale: 1, numSplits: 1, returnLse: true } as const;
    const mods = { scoreMod, captures: { factor: f32(1) } };
    const { out, lse } = flexAttention(q, one, one, { ...options, ...mods });
    const { js } = compileMod(scoreMod, mods.captures);
    const want = scores.map((score) => js(Math.fround(score), 0, 0, 0, 0) as number);
    expect(await out.read()).toEqual(Float32Array.of(1, 1, 1, 1, 1, 1, 0));
    for (const [i, got] of (await lse.read()).entries()) {
      expect(got === want[i] || Math.abs(got / want[i]! - 1) < 1e-6, `${got}, ${want[i]}`).toBe(
        true,
      );
    }
  });
});
