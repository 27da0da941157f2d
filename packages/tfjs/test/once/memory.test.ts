import { attention } from '@heed/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { normal, testTfjs, type Tfjs } from '../fixture.ts';
import { watched } from '../watch.ts';

let tfjs: Tfjs;
let [q, k, v]: tf.Tensor[] = [];
beforeAll(async () => {
  tfjs = await testTfjs();
  [q, k, v] = [1, 2, 3].map((seed) => tf.mul(normal(seed, [2, 2, 13, 8]), 1));
});

const bufferOf = ({ dataId }: tf.Tensor): GPUBuffer =>
  tfjs.backend.tensorMap.get(dataId).resource as GPUBuffer;

/** The storage buffers that it still makes after some warm-up. */
function madeLater(run: () => void): readonly GPUBufferDescriptor[] {
  for (let i = 0; i < 3; i++) run();
  const { created } = watched(tfjs.gpu.device, run);
  return created.filter(({ usage }) => usage & GPUBufferUsage.STORAGE);
}

describe('the forward', () => {
  it('reads q, k and v where they are and writes the memory of its result', () => {
    // What was bound together before is bound by a group that was made then.
    const fresh = [q!, k!, v!].map((x) => tf.mul(x, 2));
    attention(fresh[0]!, k!, v!).dispose();
    attention(q!, fresh[1]!, fresh[2]!).dispose();
    let out: tf.Tensor | undefined;
    const seen = watched(tfjs.gpu.device, () => {
      out = attention(fresh[0]!, fresh[1]!, fresh[2]!);
    });
    for (const x of [...fresh, out!]) expect(seen.bound).toContain(bufferOf(x));
    expect([seen.created, seen.copies]).toEqual([[], 0]);
    tf.dispose([...fresh, out!]);
  });

  it('has a result of exactly its bytes, which is how TensorFlow.js reads it', async () => {
    const out = attention(q!, k!, v!);
    expect(bufferOf(out).size).toBe(out.size * 4);
    expect(await out.data()).toHaveLength(out.size);
    out.dispose();
  });

  it('gives its memory back like any operation', () => {
    const before = tf.memory();
    const made = madeLater(() => attention(q!, k!, v!, { causal: true }).dispose());
    expect(tf.memory()).toEqual({ ...before, numBytesAllocatedInGPU: expect.any(Number) });
    expect(made).toEqual([]);
  });
});

describe('a gradient', () => {
  const gradient = (f: (x: tf.Tensor) => tf.Tensor) => () => tf.dispose(tf.grad(f)(q!));

  it.for([
    ['of it', (x: tf.Tensor) => attention(x, k!, v!)],
    ['of it twice', (x: tf.Tensor) => attention(attention(x, k!, v!), k!, v!)],
    [
      'that does not need it',
      (x: tf.Tensor) => {
        attention(x, k!, v!);
        return tf.square(x);
      },
    ],
  ] as const)('%s leaves no tensor and takes no new memory', ([, f]) => {
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    const made = madeLater(gradient(f));
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers, numBytes });
    expect(made).toEqual([]);
  });

  it('still has what it needs when its operands were disposed in between', async () => {
    const build = (early: boolean) => (x: tf.Tensor) => {
      const [k2, v2] = [tf.mul(k!, 2), tf.mul(v!, 2)];
      const out = attention(x, k2, v2);
      // Tensors of their sizes, which take their memory if it is free.
      if (early) {
        tf.dispose([k2, v2]);
        for (let i = 0; i < 4; i++) tf.mul(k!, 1e6);
      }
      return out;
    };
    const want = tf.grad(build(false))(q!);
    const got = tf.grad(build(true))(q!);
    expect(await got.data()).toEqual(await want.data());
  });
});
