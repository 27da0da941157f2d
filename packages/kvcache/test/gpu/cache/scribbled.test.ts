import type { Gpu } from '@heed/core';
import { varlenAttention } from '@heed/kernels-wgsl';
import { PagedKvCache, type StoredEvent } from '@heed/kvcache';
import { readableOnce, Rng, scribble, testGpu } from '@heed/testing';
import { beforeAll, expect, it } from 'vitest';
import { bitsOf } from './toy.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

/** Makes a call: `given` what it passes, `done` once it has returned. */
type Run = <T>(argument: T) => { readonly given: T; done(): void };

const alone: Run = (argument) => ({ given: argument, done: () => {} });
const others: Readonly<Record<string, Run>> = {
  'are written into after it': (argument) => ({ given: argument, done: () => scribble(argument) }),
  'can be read once': (argument) => ({
    given: readableOnce(argument),
    done: () => scribble(argument),
  }),
};

/** Two sequences, one of which finds pages of the other; what attention gives over them, and the names of their pages. */
async function served(run: Run): Promise<{ bits: unknown; names: string[]; cached: number }> {
  const memory = { pages: 12, pageSize: 2, dtype: 'f32', poison: true } as const;
  const options = run({ layers: 1, kvHeads: 2, headDim: 8, window: 64, ...memory });
  using cache = await PagedKvCache.create(gpu, options.given);
  options.done();
  const stored: StoredEvent[] = [];
  cache.on('stored', (event) => stored.push(event));
  const rng = new Rng(3);
  const rows = gpu.tensor(rng.normals(7 * 16), { shape: [7, 2, 8] });
  const angles = gpu.tensor(rng.normals(16 * 4), { shape: [16, 4] });

  const opened = run({ tokens: [1, 2, 3, 4, 5], salt: 'one', priority: 1 });
  const a = cache.open(opened.given);
  opened.done();
  const b = cache.open({ salt: 'one' });
  const sequences = run([a, b]);
  const rotary = { cos: angles, sin: angles, interleaved: true };
  const append = run({ cuSeqlens: Int32Array.of(0, 5, 7), rotary });
  cache.append(0, sequences.given, rows, rows, append.given);
  append.done();
  for (const [sequence, tokens] of [
    [a, [1, 2, 3, 4, 5]],
    [b, [7, 8]],
  ] as const) {
    const list = run([...tokens]);
    sequence.commit(list.given);
    list.done();
  }
  sequences.done();
  const seen = run([a, b]);
  const view = cache.view(0, seen.given);
  seen.done();
  const attention = run({ cuSeqlensQ: Int32Array.of(0, 5, 7), window: [8, 0] as const });
  const { out } = varlenAttention(rows, view, attention.given);
  attention.done();
  const found = cache.open({ tokens: [1, 2, 3, 4, 9], salt: 'one' });
  return {
    bits: await bitsOf(out),
    names: stored.map(({ name, tokens }) => `${name} ${tokens.join()}`),
    cached: found.cachedTokens,
  };
}

it.for(Object.entries(others))(
  'a cache whose arguments %s is as one whose are not',
  async ([, run]) => {
    const wanted = await served(alone);
    expect(wanted.cached).toBe(4);
    expect(wanted.names).toHaveLength(3);
    expect(await served(run)).toEqual(wanted);
  },
);
