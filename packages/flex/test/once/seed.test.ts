import { testGpu } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { minifiedSeed } from '../examples/bundle.ts';
import { expectSeed } from '../examples/seed-expected.ts';
import { seedExample } from '../examples/seed.ts';

describe('the seed example', () => {
  it('runs in Node', async () => {
    const { device } = await testGpu();
    expectSeed(await seedExample(device));
  });

  it('runs in Node, bundled and minified', async () => {
    const { device } = await testGpu();
    const code = minifiedSeed();
    // The mod as typed is gone: one letter a parameter.
    expect(code).toMatch(/scoreMod:\(\w,\w,\w,\w,\w\)=>\w\+\(\w-\w\)/);
    const url = `data:text/javascript,${encodeURIComponent(code)}`;
    const bundle = (await import(/* @vite-ignore */ url)) as { seedExample: typeof seedExample };
    expectSeed(await bundle.seedExample(device));
  });
});
