import type { Gpu, Tensor } from '@heed/core';
import { guideExamples, printedBy, shown } from '@heed/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as docstrings from '../examples/docstrings.ts';

const texts = import.meta.glob(
  ['../../../../docs/{flex,backward}.md', '../examples/{guide,backward}/*.ts'],
  { query: '?raw', import: 'default', eager: true },
);

/** The examples of a guide, with the names of their files. */
function examplesOf(
  guide: string,
  folder: string,
): [title: string, printed: readonly string[], name: string][] {
  const files = Object.keys(texts).filter((path) => new RegExp(`/${folder}/\\d+-`).test(path));
  return guideExamples(texts[`../../../../docs/${guide}.md`]!).map(({ title, printed }, i) => {
    const name = files[i]!.match(/([^/]+)\.ts$/)![1]!;
    return [title, printed, name];
  });
}

const elements = ({ shape }: Tensor): number => shape.reduce((a, b) => a * b, 1);

// The examples share the guide's device, and so its kernels.
let gpu: Gpu;
let query: Tensor;
let key: Tensor;
beforeAll(async () => {
  const setup = await import('../examples/guide/setup.ts');
  gpu = setup.gpu;
  [query, key] = setup.inputs(6);
});

afterAll(async () => {
  await gpu.settled();
  gpu.dispose();
});

// test/unit/readme.test.ts holds that these files are what the guide shows.
describe('in docs/flex.md, example', () => {
  it.for(examplesOf('flex', 'guide'))('%s prints what it says', async ([, printed, name]) => {
    const calls = await printedBy(() => import(`../examples/guide/${name}.ts`));
    expect(calls.map(shown)).toEqual(printed);
  });
});

describe('in docs/backward.md, example', () => {
  it.for(examplesOf('backward', 'backward'))(
    '%s prints what it says',
    { tags: ['full'] },
    async ([, printed, name]) => {
      const calls = await printedBy(() => import(`../examples/backward/${name}.ts`));
      expect(calls.map(shown)).toEqual(printed);
    },
  );
});

it('the README’s first example runs and prints what it says', async () => {
  const [call] = await printedBy(() => import('../examples/quickstart.ts'));
  const [shape, out] = call as [number[], Float32Array];
  expect(shape).toEqual([1, 8, 64, 64]);
  expect(out).toHaveLength(32_768);
  expect(out.every(Number.isFinite)).toBe(true);
});

it('the example in the repository’s README runs', async () => {
  const [call] = await printedBy(() => import('../examples/root.ts'));
  const [shape, lse] = call as [number[], Float32Array];
  expect(shape).toEqual([1, 1, 4, 8]);
  // A score of √8 for each pair, and 0, 1 and 2 more by distance: from the third query on, three keys.
  const sums = [1, 1 + Math.E, 1 + Math.E + Math.E ** 2, 1 + Math.E + Math.E ** 2];
  expect(lse).toMatchTensor(
    Float32Array.from(sums, (sum) => Math.sqrt(8) + Math.log(sum)),
    { tolerance: 1e-5 },
  );
});

describe('the example in the docstring of', () => {
  const { modExamples, maskExamples, flexAttentionExample, bindExample, f32Example } = docstrings;
  const examples = {
    flexAttention: flexAttentionExample,
    bind: bindExample,
    f32: f32Example,
    ...modExamples,
    ...maskExamples,
  };

  // Where every value is 1, so is every mean of them: each query of these examples sees a key.
  it.for(Object.entries(examples))('%s', async ([, run]) => {
    const ones = gpu.tensor(new Float32Array(6).fill(1), { shape: [1, 1, 6, 1] });
    const out = await run(query, key, ones).out.read();
    expect(out).toMatchTensor(new Float32Array(out.length).fill(1), { tolerance: 1e-5 });
  });

  it('flexAttentionVjp, and of mods that learn', { tags: ['full'] }, async () => {
    const ones = gpu.tensor(new Float32Array(6).fill(1), { shape: [1, 1, 6, 1] });
    const gradients = docstrings.flexAttentionVjpExample(query, key, ones, ones);
    expect(gradients.map(({ shape }) => shape)).toEqual([
      query.shape,
      key.shape,
      ones.shape,
      ones.shape,
    ]);
    // Weights that sum to 1 over equal values: none of them matters.
    for (const run of Object.values(docstrings.gradientExamples)) {
      const gradient = run(query, key, ones, ones);
      const values = await gradient!.read();
      expect(values).toMatchTensor(new Float32Array(elements(gradient!)), { tolerance: 1e-6 });
    }
  });

  it('planFlexAttention', async () => {
    const zeros = gpu.tensor(new Float32Array(8 * 32 * 64), { shape: [1, 8, 32, 64] });
    expect((await docstrings.planExample(gpu, zeros, zeros, zeros)).shape).toEqual(zeros.shape);
  });

  it('tunable', async () => {
    const { entries } = await docstrings.tunableExample(gpu);
    expect(Object.keys(entries!)).toHaveLength(1);
  });

  it('createBlockMask', async () => {
    const calls = await printedBy(() => docstrings.createBlockMaskExample(gpu));
    expect(calls).toEqual([[0.484375]]);
  });

  it('BlockMask.fromCuSeqlens', async () => {
    const picture = await docstrings.fromCuSeqlensExample(gpu);
    expect(picture.split('\n')).toHaveLength(8);
    expect(picture.split('\n')[6]).toBe('·····▒▒·');
  });
});
