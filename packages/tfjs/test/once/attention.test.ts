import type { Tensor } from '@heed/core';
import { createBlockMask } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { attention, flexAttention, heedTensor } from '@heed/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { formula, normal, term, testTfjs } from '../tfjs-fixture.ts';

beforeAll(testTfjs);

type Fn = (...inputs: tf.Tensor[]) => tf.Tensor;

/** One attention, computed by heed and by TensorFlow.js. */
interface Case {
  readonly inputs: () => tf.Tensor[];
  readonly heed: Fn;
  readonly tfjs: Fn;
}

const [B, H, L, D] = [2, 2, 13, 8];
const qkv = (): tf.Tensor[] => [1, 2, 3].map((seed) => normal(seed, [B, H, L, D]));
const causalTerm = (): tf.Tensor => term(L, L, (i, j) => (j <= i ? 0 : -1e30));
const bias = (): tf.Tensor => normal(4, [H, L]);

/** Expands [H, L] by distance to [H, L, L]. */
function biasByDistance(table: tf.Tensor): tf.Tensor {
  const index = Array.from({ length: L * L }, (_, n) => Math.max(0, Math.floor(n / L) - (n % L)));
  return tf.reshape(tf.gather(table, tf.tensor1d(index, 'int32'), 1), [H, L, L]);
}

/* oxlint-disable no-shadow -- mods name positions q and kv, as users do */
const cases: Readonly<Record<string, Case>> = {
  'attention, plain': {
    inputs: qkv,
    heed: (q, k, v) => attention(q, k, v),
    tfjs: (q, k, v) => formula(q, k, v),
  },
  'attention, causal, with sinks': {
    inputs: () => [...qkv(), normal(5, [H])],
    heed: (q, k, v, sinks) => attention(q, k, v, { causal: true, sinks: sinks }),
    tfjs: (q, k, v, sinks) => formula(q, k, v, { add: causalTerm(), sinks: sinks }),
  },
  'attention with ALiBi slopes': {
    inputs: () => [...qkv(), tf.tensor([0.5, 0.25])],
    heed: (q, k, v, slopes) => attention(q, k, v, { alibiSlopes: slopes }),
    tfjs: (q, k, v, slopes) => {
      const distance = term(L, L, (i, j) => -Math.abs(i - j));
      return formula(q, k, v, { add: tf.mul(tf.reshape(slopes, [H, 1, 1]), distance) });
    },
  },
  'flexAttention with the distance added': {
    inputs: qkv,
    heed: (q, k, v) =>
      flexAttention(q, k, v, { scoreMod: (score, b, h, q, kv) => score + (q - kv) }),
    tfjs: (q, k, v) => formula(q, k, v, { add: term(L, L, (i, j) => i - j) }),
  },
  'flexAttention with a captured bias, causal': {
    inputs: () => [...qkv(), bias()],
    heed: (q, k, v, bias) =>
      flexAttention(q, k, v, {
        scoreMod: (score, b, h, q, kv, c) => score + c.bias[h]![q - kv]!,
        maskMod: causal,
        captures: { bias: bias },
      }),
    tfjs: (q, k, v, bias) => formula(q, k, v, { add: tf.add(biasByDistance(bias), causalTerm()) }),
  },
};

const values = async (x: tf.Tensor): Promise<Float32Array> => (await x.data()) as Float32Array;

const quick = 'flexAttention with a captured bias, causal';

describe.for(Object.entries(cases))('%s', ([name, { inputs, heed, tfjs }]) => {
  const tags = name === quick ? [] : ['full'];
  it('is what TensorFlow.js computes', { tags }, async () => {
    const given = inputs();
    const got = heed(...given);
    expect(got.shape).toEqual([B, H, L, D]);
    expect(await values(got)).toMatchTensor(await values(tfjs(...given)), { tolerance: 2e-6 });
  });

  it('has its gradients', { tags }, async () => {
    const given = inputs();
    const dy = normal(9, [B, H, L, D]);
    const got = tf.grads(heed)(given, dy);
    const want = tf.grads(tfjs)(given, dy);
    expect(got.map(({ shape }) => shape)).toEqual(given.map(({ shape }) => shape));
    for (const [i, x] of got.entries()) {
      expect(await values(x)).toMatchTensor(await values(want[i]!), { tolerance: 1e-5 });
    }
  });
});

it('differentiates the seed of the field, as it is typed', async () => {
  const [q, k, v] = qkv() as [tf.Tensor, tf.Tensor, tf.Tensor];
  // oxfmt-ignore
  const dq = tf.grad(x => flexAttention(x, k, v, { scoreMod: (score, b, h, q, kv) => score + (q - kv) }).sum())(q);
  const want = tf.grad((x) => tf.sum(formula(x, k, v, { add: term(L, L, (i, j) => i - j) })))(q);
  expect(await values(dq)).toMatchTensor(await values(want), { tolerance: 1e-5 });
});

it('takes packed tensors, which need no transposing', async () => {
  const [q, k, v] = [1, 2, 3].map((seed) => normal(seed, [B, L, H, D])) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  const packed = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [B * L, H, D]);
  const swapped = (x: tf.Tensor): tf.Tensor => tf.transpose(x, [0, 2, 1, 3]);
  const want = tf.transpose(attention(swapped(q), swapped(k), swapped(v)), [0, 2, 1, 3]);
  const ends = [0, L, 2 * L];
  for (const cuSeqlensQ of [tf.tensor1d(ends, 'int32'), BigInt64Array.from(ends, BigInt)]) {
    const got = flexAttention(packed(q), packed(k), packed(v), { cuSeqlensQ });
    expect(await values(got)).toMatchTensor(await values(want), { tolerance: 2e-6 });
  }
});

it('takes a BlockMask', async () => {
  const { gpu } = await testTfjs();
  const [q, k, v] = qkv() as [tf.Tensor, tf.Tensor, tf.Tensor];
  using blockMask = createBlockMask(gpu, causal, { Lq: L, Lk: L });
  const want = await values(attention(q, k, v, { causal: true }));
  expect(await values(flexAttention(q, k, v, { blockMask }))).toMatchTensor(want, {
    tolerance: 2e-6,
  });
});

describe('of the captures', () => {
  const [q, k, v] = [0, 1, 2].map((i) => () => qkv()[i]!) as [Make, Make, Make];
  type Make = () => tf.Tensor;
  const biased = (
    x: tf.Tensor,
    captures: { bias: tf.Tensor | Tensor; more?: tf.Tensor },
    grads?: string[],
  ): tf.Tensor =>
    flexAttention(x, k(), v(), {
      scoreMod: (score, b, h, i, j, c) => score + c.bias[h]![i - j]!,
      maskMod: causal,
      captures,
      ...(grads && { grads }),
    });

  it('heed’s own tensors are constants', async () => {
    const table = bias();
    const got = tf.grad((x) => biased(x, { bias: heedTensor(table) }))(q());
    const want = tf.grad((x) => biased(x, { bias: table }))(q());
    expect(await values(got)).toEqual(await values(want));
  });

  it('a tensor that the scoreMod does not read has gradient 0', async () => {
    const captures = { bias: bias() };
    const zero = tf.grad((more) => biased(q(), { ...captures, more }))(tf.tensor1d([1, 2]));
    expect([...(await values(zero))]).toEqual([0, 0]);
  });

  it('one that grads leaves out has none', () => {
    const gradient = tf.grad((table) => biased(q(), { bias: table }, []));
    expect(() => gradient(bias())).toThrow(/Cannot compute gradient of y=f\(x\)/);
  });
});

it('takes empty tensors', async () => {
  const none = tf.zeros([1, 2, 0, 8]);
  const some = normal(1, [1, 2, 3, 8]);
  expect(attention(none, some, some).shape).toEqual([1, 2, 0, 8]);
  expect(await values(attention(some, none, none))).toEqual(new Float32Array(48));
  expect(await values(tf.grad((x) => attention(x, none, none))(some))).toEqual(
    new Float32Array(48),
  );
});

it('takes one tensor for q, k and v', { tags: ['full'] }, async () => {
  const x = qkv()[0]!;
  const got = tf.grad((x) => attention(x, x, x))(x);
  const want = tf.grad((x) => formula(x, x, x))(x);
  expect(await values(got)).toMatchTensor(await values(want), { tolerance: 1e-5 });
});

/** One attention layer: projections of x, and a bias by head and distance, all of them learnt. */
class Layer {
  readonly projections: tf.Variable[] = [1, 2, 3].map((seed) =>
    tf.variable(normal(seed, [H * D, H * D], 0.2)),
  );
  readonly bias: tf.Variable = tf.variable(tf.zeros([H, L]));

  apply(x: tf.Tensor): tf.Tensor {
    const [q, k, v] = this.projections.map((weights) => {
      const heads = tf.reshape(tf.matMul(tf.reshape(x, [B * L, H * D]), weights), [B, L, H, D]);
      return tf.transpose(heads, [0, 2, 1, 3]);
    }) as [tf.Tensor, tf.Tensor, tf.Tensor];
    return flexAttention(q, k, v, {
      scoreMod: (score, b, h, i, j, c) => score + c.bias[h]![i - j]!,
      maskMod: causal,
      captures: { bias: this.bias },
    });
  }
}

it('learns: each row the row before it', async () => {
  const layer = new Layer();
  const optimizer = tf.train.adam(0.05);
  const x = normal(7, [B, L, H * D]);
  const heads = tf.transpose(tf.reshape(x, [B, L, H, D]), [0, 2, 1, 3]);
  const zeros = tf.zeros([B, H, 1, D]);
  const target = tf.concat([zeros, tf.slice(heads, [0, 0, 0, 0], [B, H, L - 1, D])], 2);
  const step = async (): Promise<number> => {
    const loss = tf.tidy(() =>
      optimizer.minimize(() => tf.mean(tf.squaredDifference(layer.apply(x), target)), true)!,
    );
    const [value] = await loss.data();
    loss.dispose();
    return value!;
  };

  const losses = [await step()];
  const { numTensors } = tf.memory();
  for (let i = 1; i < 30; i++) losses.push(await step());
  expect(tf.memory().numTensors).toBe(numTensors);
  expect(losses[0]).toBeGreaterThan(0.9);
  expect(losses.at(-1)).toBeLessThan(0.3);
});
