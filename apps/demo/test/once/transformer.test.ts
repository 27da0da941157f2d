import { rotate as cacheRotate } from '@heed/kvcache';
import { tensor3d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { largestDifference } from '../../src/explore/model/scores.ts';
import { presets } from '../../src/transformer/config.ts';
import { normals } from '../../src/random.ts';
import { rotaryAngles, rotate, tokenAngles } from '../../src/transformer/rope.ts';
import { testTfjs } from './tfjs.ts';

beforeAll(testTfjs);

describe('rotary positions', () => {
  it('are those of the cache', async () => {
    const gpu = await testTfjs();
    const config = presets.small;
    const angles = rotaryAngles(config);
    const positions = Int32Array.of(0, 1, 17, config.context - 1, 5);
    const [T, H, D] = [positions.length, 3, config.headDim];
    const values = new Float32Array(T * H * D).map(normals(1));
    const table = { shape: [config.context, D / 2] };
    const want = cacheRotate(gpu, gpu.tensor(values, { shape: [T, H, D] }), {
      cos: gpu.tensor(angles.cos, table),
      sin: gpu.tensor(angles.sin, table),
      positions,
    });
    const x = tensor3d(values, [T, H, D]);
    const got = rotate(x, tokenAngles(config, angles, positions));
    const [turned, wanted] = [await got.data(), await want.read()] as [Float32Array, Float32Array];
    expect(largestDifference(turned, wanted)).toBeLessThan(1e-6);
    // Those at position 0 stay, the others do not.
    expect(turned.subarray(0, H * D)).toEqual(values.subarray(0, H * D));
    expect(largestDifference(turned, values)).toBeGreaterThan(1);
  });
});
