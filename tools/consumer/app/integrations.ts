// A page with TensorFlow.js and ONNX Runtime Web. Prints its results as one line of JSON.
import { sessionOptions } from '@heed/onnx';
import { attention, openTfjs } from '@heed/tfjs';
import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';

await tf.setBackend('webgpu');
const gpu = await openTfjs();
const x = tf.ones<tf.Rank.R4>([1, 1, 4, 4]);
const v = tf.tensor4d(
  Array.from({ length: 16 }, (_, i) => Math.floor(i / 4)),
  [1, 1, 4, 4],
);
const rows = [...(await attention(x, x, v, { causal: true }).data())];
const { executionProviders } = sessionOptions(gpu);
console.log(
  `heed ${JSON.stringify({
    attention: rows.filter((_, i) => i % 4 === 0).map((y) => Math.round(y * 1e4) / 1e4),
    providers: executionProviders?.length,
  })}`,
);
