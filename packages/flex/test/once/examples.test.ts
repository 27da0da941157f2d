import type { Gpu, Tensor } from '@heed/core';
import * as flex from '@heed/flex';
import * as masks from '@heed/flex/masks';
import * as mods from '@heed/flex/mods';
import type { AttentionResult } from '@heed/kernels-wgsl';
import { docstringExamples, guideExamples, isFullRun, printedBy, shown } from '@heed/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as docstrings from '../examples/docstrings.ts';
import { expectDsa, expectMoba, expectNsa } from './sparse-models.ts';

const texts = import.meta.glob(
  [
    '../../../../docs/{flex,backward,weights,sparse}.md',
    '../examples/{guide,backward,weights,sparse}/*.ts',
    '../../src/{mods,masks}/*.ts',
  ],
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

describe('in docs/weights.md, example', () => {
  it.for(examplesOf('weights', 'weights'))('%s prints what it says', async ([, printed, name]) => {
    const calls = await printedBy(() => import(`../examples/weights/${name}.ts`));
    expect(calls.map(shown)).toEqual(printed);
  });
});

describe('in docs/sparse.md, example', () => {
  const examples = examplesOf('sparse', 'sparse');
  // The others have gradients, whose kernels take long to compile; the models run below.
  it.for(isFullRun() ? examples : examples.slice(0, 4))(
    '%s prints what it says',
    async ([, printed, name]) => {
      const calls = await printedBy(() => import(`../examples/sparse/${name}.ts`));
      expect(calls.map(shown)).toEqual(printed);
    },
  );
});

describe('the models of docs/sparse.md are their definitions, forward and backward', () => {
  const loaded = async <M>(load: () => Promise<M>): Promise<M> => {
    let model: M | undefined;
    await printedBy(async () => (model = await load()));
    return model!;
  };

  it('DSA', async () => {
    const { dsa } = await loaded(() => import('../examples/sparse/06-dsa.ts'));
    await expectDsa(gpu, dsa);
  });

  it('NSA', { tags: ['full'] }, async () => {
    const { nsa } = await loaded(() => import('../examples/sparse/07-nsa.ts'));
    await expectNsa(gpu, nsa);
  });

  it('MoBA', { tags: ['full'] }, async () => {
    const { moba } = await loaded(() => import('../examples/sparse/08-moba.ts'));
    await expectMoba(gpu, moba);
  });
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

/** The examples of mods and masks, by the names of their files. */
const libraryExamples = Object.entries(texts).flatMap(([path, text]) =>
  docstringExamples(text).map((example) => [path.match(/([^/]+)\.ts$/)![1]!, example] as const),
);

/** Runs an example that ends with a call of flexAttention, or with the gradients of its captures. */
function runExample(example: string, scope: Readonly<Record<string, unknown>>): Ended {
  const body = example.includes('dCaptures')
    ? `${example}\nreturn { dCaptures };`
    : example.replace(/^flexAttention\(/m, 'return $&');
  // oxlint-disable-next-line typescript/no-implied-eval
  return new Function(...Object.keys(scope), `{ ${body} }`)(...Object.values(scope)) as Ended;
}

type Ended = Partial<AttentionResult> & { readonly dCaptures?: Readonly<Record<string, Tensor>> };

// Where every value is 1, so is every mean of them: each query of these examples sees a key. And as the weights sum to 1,
// no capture changes the result: its gradient is 0.
async function expectExample(example: string): Promise<void> {
  const ones = gpu.tensor(new Float32Array(6).fill(1), { shape: [1, 1, 6, 1] });
  const zeros = (...shape: number[]): Tensor =>
    gpu.tensor(new Float32Array(shape.reduce((a, b) => a * b)), { shape });
  const { out, dCaptures = {} } = runExample(example, {
    ...flex,
    ...mods,
    ...masks,
    gpu,
    q: query,
    k: key,
    v: ones,
    dOut: ones,
    heads: 1,
    length: 6,
    drafted: query.slice(2, 0, 4),
    perHead: new Float32Array(36),
    gate: zeros(1),
    bias: zeros(32, 257),
    sigma: gpu.tensor([1], { shape: [1] }),
  });
  if (out) {
    const values = await out.read();
    expect(values).toMatchTensor(new Float32Array(values.length).fill(1), { tolerance: 1e-5 });
  }
  expect(Object.keys(dCaptures)).toHaveLength(out ? 0 : 1);
  for (const gradient of Object.values(dCaptures)) {
    const values = await gradient.read();
    expect(values).toMatchTensor(new Float32Array(values.length), { tolerance: 1e-6 });
  }
}

const isGradient = ([, example]: readonly [string, string]): boolean =>
  example.includes('dCaptures');

describe('the example in the docstring of', () => {
  it.for(libraryExamples.filter((example) => !isGradient(example)))('%s runs', ([, example]) =>
    expectExample(example),
  );

  it.for(libraryExamples.filter(isGradient))('%s runs', { tags: ['full'] }, ([, example]) =>
    expectExample(example),
  );
});

describe('the example in the docstring of', () => {
  const { flexAttentionExample, bindExample, f32Example } = docstrings;
  const examples = { flexAttention: flexAttentionExample, bind: bindExample, f32: f32Example };

  // Where every value is 1, so is every mean of them: each query of these examples sees a key.
  it.for(Object.entries(examples))('%s', async ([, run]) => {
    const ones = gpu.tensor(new Float32Array(6).fill(1), { shape: [1, 1, 6, 1] });
    const out = await run(query, key, ones).out.read();
    expect(out).toMatchTensor(new Float32Array(out.length).fill(1), { tolerance: 1e-5 });
  });

  it('flexAttentionVjp', { tags: ['full'] }, async () => {
    const ones = gpu.tensor(new Float32Array(6).fill(1), { shape: [1, 1, 6, 1] });
    const gradients = docstrings.flexAttentionVjpExample(query, key, ones, ones);
    expect(gradients.map(({ shape }) => shape)).toEqual([
      query.shape,
      key.shape,
      ones.shape,
      ones.shape,
    ]);
  });

  it('planFlexAttention', async () => {
    const zeros = gpu.tensor(new Float32Array(8 * 32 * 64), { shape: [1, 8, 32, 64] });
    expect((await docstrings.planExample(gpu, zeros, zeros, zeros)).shape).toEqual(zeros.shape);
  });

  it('attentionWeights', async () => {
    const zeros = gpu.tensor(new Float32Array(8 * 8), { shape: [1, 1, 8, 8] });
    const weights = await docstrings.weightsExample(zeros, zeros).read();
    expect([...weights.subarray(24)]).toEqual(Array.from({ length: 8 }, () => 1 / 8));
  });

  it('keyMass', async () => {
    const mass = await docstrings.keyMassExample(query, key).read();
    expect(mass[5]).toBeCloseTo(1 / 6, 6);
  });

  it('topKeys', async () => {
    const lists = await docstrings.topKeysExample(query, key).read();
    expect([...lists.subarray(5 * 64, 5 * 64 + 7)]).toEqual([0, 1, 2, 3, 4, 5, -1]);
  });

  it('tunable', { tags: ['full'] }, async () => {
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

  it('BlockMask.fromBlocks', async () => {
    expect(await docstrings.fromBlocksExample(gpu)).toBe('▒·\n█▒');
  });
});
