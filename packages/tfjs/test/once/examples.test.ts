import * as tf from '@tensorflow/tfjs-core';
import { printedBy } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import * as docstrings from '../examples/docstrings.ts';
import { normal, testTfjs } from '../tfjs-fixture.ts';

beforeAll(testTfjs);

// test/unit/readme.test.ts checks that the README and the docstrings show these files.
describe('the README’s example', () => {
  it('at its start runs and prints what it says', async () => {
    const [call] = await printedBy(() => import('../examples/quickstart.ts'));
    const [shape, dq] = call as [number[], Float32Array];
    expect(shape).toEqual([1, 4, 64, 8]);
    expect(dq).toHaveLength(2048);
    expect(dq.every(Number.isFinite)).toBe(true);
  });

  it('of a bias that learns lowers its loss', { tags: ['full'] }, async () => {
    const losses = (await printedBy(() => import('../examples/bias.ts'))).flat() as number[];
    expect(losses).toHaveLength(5);
    expect(losses.toSorted((a, b) => b - a)).toEqual(losses);
  });

  it('of a backend on heed’s device makes one', async () => {
    const { create } = await import('webgpu');
    Object.defineProperty(navigator, 'gpu', { value: create([]), configurable: true });
    await import('../examples/heeds-device.ts');
    delete (navigator as { gpu?: unknown }).gpu;
    expect(tf.getBackend()).toBe('webgpu');
  });
});

describe('the example in the docstring of', () => {
  beforeAll(testTfjs);
  const qkv = (): [tf.Tensor, tf.Tensor, tf.Tensor] => [
    normal(1, [1, 2, 5, 8]),
    normal(2, [1, 2, 5, 8]),
    normal(3, [1, 2, 5, 8]),
  ];

  it('openTfjs', async () => {
    expect((await docstrings.openTfjsExample()).device).toBe((await testTfjs()).gpu.device);
  });

  it('flexAttention', () => {
    expect(docstrings.flexAttentionExample(...qkv()).shape).toEqual([1, 2, 5, 8]);
  });

  it('attention', () => {
    expect(docstrings.attentionExample(...qkv()).shape).toEqual([1, 2, 5, 8]);
  });

  it('heedTensor and tfTensor', async () => {
    const { gpu } = await testTfjs();
    expect(docstrings.tensorsExample(gpu, qkv()[0]).shape).toEqual([1, 5, 2]);
  });
});
