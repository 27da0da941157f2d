import { attention, heedTensor, tfTensor } from '@heed/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { formula, normal, testTfjs, type Tfjs, watched } from '../tfjs-fixture.ts';

let tfjs: Tfjs;
let [q, k, v]: tf.Tensor[] = [];
beforeAll(async () => {
  tfjs = await testTfjs();
  [q, k, v] = [1, 2, 3].map((seed) => tf.mul(normal(seed, [2, 2, 13, 8]), 1));
});

const bufferOf = ({ dataId }: tf.Tensor): GPUBuffer =>
  tfjs.backend.tensorMap.get(dataId).resource as GPUBuffer;

/** Returns the storage buffers that are created after a warm-up. */
function madeLater(run: () => void): readonly GPUBufferDescriptor[] {
  for (let i = 0; i < 3; i++) run();
  const { created } = watched(tfjs.gpu.device, run);
  return created.filter(({ usage }) => usage & GPUBufferUsage.STORAGE);
}

describe('the forward', () => {
  it('reads q, k and v where they are and writes the memory of its result', () => {
    // Fresh tensors, since a bind group of known buffers would be reused.
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
      // Tensors of equal sizes, which would take their memory if it were free.
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

/** TensorFlow.js and heed by turns, each reading the result of the other. */
function chain(x: tf.Tensor, attend: typeof attention): tf.Tensor {
  const first = tf.add(tf.mul(x, 0.5), 1);
  const second = tf.mul(attend(first, tf.neg(first), x), 3);
  return tf.sub(attend(second, x, tf.square(second)), second);
}

const batches: Readonly<Record<string, <T>(fn: () => T) => T>> = {
  'one after the other': (fn) => fn(),
  'in a batch of heed’s': (fn) => tfjs.gpu.batch(fn),
};

describe.for(Object.entries(batches))('operations %s', ([, run]) => {
  it('run in the order in which they were called', async () => {
    for (let seed = 0; seed < 6; seed++) {
      const [got, want] = run(() =>
        tf.tidy<[tf.Tensor, tf.Tensor]>(() => {
          const x = normal(seed, [2, 2, 13, 8]);
          return [chain(x, attention), chain(x, formula)];
        }),
      );
      expect(await got.data()).toMatchTensor((await want.data()) as Float32Array, {
        tolerance: 2e-5,
      });
      tf.dispose([got, want]);
    }
  });
});

it.for([
  ['float32', 'f32', [1.5, -2, 3]],
  ['int32', 'i32', [1, -2, 3]],
  ['bool', 'i32', [1, 0, 1]],
] as const)('a tensor of %s is heed’s %s in the same memory', async ([dtype, type, data]) => {
  const x = tf.tensor([...data], [3], dtype);
  const heed = heedTensor(tfjs.gpu, x);
  expect([heed.dtype, heed.shape]).toEqual([type, [3]]);
  expect([...(await heed.read())]).toEqual(data);
  expect(heed.buffer).toBe(tfjs.backend.tensorMap.get(x.dataId).resource);
});

it('heedTensor without a Gpu takes the one of openTfjs', () => {
  const x = tf.tensor([1, 2]);
  const [older, newer] = [heedTensor(x), heedTensor(tfjs.gpu, x)];
  expect(older.gpu).toBe(tfjs.gpu);
  expect([older.buffer, older.shape]).toEqual([newer.buffer, newer.shape]);
});

it('heed reads what TensorFlow.js has only recorded so far', async () => {
  const x = tf.add(tf.tensor([1, 2, 3, 4], [2, 2]), 1);
  expect([...(await heedTensor(x).read())]).toEqual([2, 3, 4, 5]);
});

it('a copy of heed’s tensor is TensorFlow.js’s own', async () => {
  const whole = tfjs.gpu.tensor([1, 2, 3, 4, 5, 6], { shape: [3, 2] });
  const copies = [tfTensor(whole), tfTensor(whole.slice(0, 1, 3))];
  const int = tfTensor(tfjs.gpu.tensor([7], { shape: [1], dtype: 'i32' }));
  whole.dispose();
  tfjs.gpu.tensor([9, 9, 9, 9, 9, 9], { shape: [3, 2] }); // takes the memory that was freed
  expect(copies.map(({ shape }) => shape)).toEqual([
    [3, 2],
    [2, 2],
  ]);
  expect([...(await copies[0]!.data())]).toEqual([1, 2, 3, 4, 5, 6]);
  expect([...(await tf.mul(copies[1]!, 2).data())]).toEqual([6, 8, 10, 12]);
  expect([int.dtype, ...(await int.data())]).toEqual(['int32', 7]);
  const { numTensors, numDataBuffers } = tf.memory();
  tf.dispose([...copies, int]);
  expect(tf.memory()).toMatchObject({
    numTensors: numTensors - 3,
    numDataBuffers: numDataBuffers - 3,
  });
});
