import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-webgpu';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { flexAttention, openTfjs } from '@heed/tfjs';

await tf.setBackend('webgpu');
await openTfjs();

const random = () => tf.randomNormal([1, 4, 64, 8]); // [B, H, L, D]
const [x, k, v] = [random(), random(), random()];
const dx = tf.grad((query) =>
  flexAttention(query, k, v, { scoreMod: (score, b, h, q, kv) => score + (q - kv) }).sum(),
)(x);

console.log(dx.shape, await dx.data()); // [1, 4, 64, 8] Float32Array(2048)
