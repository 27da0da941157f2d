import type { Gpu } from '@heed/core';
import { Rng, testGpu } from '@heed/testing';
import { openTfjs } from '@heed/tfjs';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-core/dist/register_all_gradients';

/** TensorFlow.js and heed on one device. */
export interface Tfjs {
  readonly gpu: Gpu;
  readonly backend: WebGPUBackend;
}

/** TensorFlow.js on the device that all tests share. */
export async function testTfjs(): Promise<Tfjs> {
  const gpu = await testGpu();
  const found = tf.findBackend('webgpu') as WebGPUBackend | null;
  const backend = found?.device === gpu.device ? found : await useDevice(gpu.device);
  return { gpu: await openTfjs({ gpu }), backend };
}

/** Creates and activates a WebGPU backend on a device; disposes the previous one. */
export async function useDevice(device: GPUDevice): Promise<WebGPUBackend> {
  const { globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  if (tf.engine().registryFactory['webgpu']) tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', () => withNavigatorGpu(() => new WebGPUBackend(device)));
  await tf.setBackend('webgpu');
  return tf.backend() as WebGPUBackend;
}

// The backend only checks that navigator.gpu exists; other tests search for their adapter there.
function withNavigatorGpu<T>(fn: () => T): T {
  if ('gpu' in navigator) return fn();
  Object.defineProperty(navigator, 'gpu', { value: {}, configurable: true });
  try {
    return fn();
  } finally {
    delete (navigator as { gpu?: unknown }).gpu;
  }
}

/** Returns normally distributed numbers, the same for equal seeds. */
export function normal(seed: number, shape: number[], scale = 1): tf.Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(new Rng(seed).normals(count, scale), shape);
}

/** Options of the formula: a term added to the scores, and a logit per head without a value. */
interface Terms {
  readonly add?: tf.Tensor;
  readonly sinks?: tf.Tensor;
}

/** Computes attention with TensorFlow.js: matMul, softmax, matMul, with the Lq × Lk scores in memory. */
export function formula(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  { add, sinks }: Terms = {},
): tf.Tensor {
  const scale = 1 / Math.sqrt(q.shape.at(-1)!);
  const scores = tf.mul(tf.matMul(q, k, false, true), scale);
  const added = add ? tf.add(scores, add) : scores;
  if (!sinks) return tf.matMul(tf.softmax(added), v);
  const [batch, heads, rows, keys] = added.shape as [number, number, number, number];
  const column = tf.mul(tf.ones([batch, heads, rows, 1]), tf.reshape(sinks, [1, heads, 1, 1]));
  const weights = tf.softmax(tf.concat([added, column], 3));
  return tf.matMul(tf.slice(weights, [0, 0, 0, 0], [batch, heads, rows, keys]), v);
}

/** Returns a term of the scores by row and column. */
export function term(rows: number, keys: number, of: (i: number, j: number) => number): tf.Tensor {
  const values = Array.from({ length: rows * keys }, (_, n) => of(Math.floor(n / keys), n % keys));
  return tf.tensor(values, [rows, keys]);
}

/** Calls to a device while a function ran. */
interface Watched {
  readonly created: readonly GPUBufferDescriptor[];
  readonly bound: ReadonlySet<GPUBuffer>;
  copies: number;
  submits: number;
}

/** Counts buffers, copies and submits, and collects the buffers that kernels saw. */
export function watched(device: GPUDevice, run: () => void): Watched {
  const created: GPUBufferDescriptor[] = [];
  const bound = new Set<GPUBuffer>();
  const seen: Watched = { created, bound, copies: 0, submits: 0 };
  const { queue } = device;
  const [createBuffer, createBindGroup, createCommandEncoder, submit] = [
    device.createBuffer.bind(device),
    device.createBindGroup.bind(device),
    device.createCommandEncoder.bind(device),
    queue.submit.bind(queue),
  ];
  device.createBuffer = (o) => (created.push(o), createBuffer(o));
  device.createBindGroup = (o) => {
    for (const { resource } of o.entries) bound.add((resource as GPUBufferBinding).buffer);
    return createBindGroup(o);
  };
  device.createCommandEncoder = (o) => {
    const encoder = createCommandEncoder(o);
    const copy = encoder.copyBufferToBuffer.bind(encoder) as (...args: unknown[]) => undefined;
    encoder.copyBufferToBuffer = (...args: unknown[]) => (seen.copies++, copy(...args));
    return encoder;
  };
  queue.submit = (o) => (seen.submits++, submit(o));
  try {
    run();
  } finally {
    Object.assign(device, { createBuffer, createBindGroup, createCommandEncoder });
    queue.submit = submit;
  }
  return seen;
}
