// `node llama-cpp.mjs`: whether llama.cpp loads here. `node llama-cpp.mjs MODEL.gguf TOKENS`: prints the logits after each token,
// as JSON. A process of its own, since a fault of native code ends it.
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';

const [, , modelPath, tokens] = process.argv;
const llama = await getLlama({
  gpu: false,
  build: 'never',
  skipDownload: true,
  // Its threads wait by spinning, which other processes would pay for.
  maxThreads: 1,
  logLevel: LlamaLogLevel.error,
});
if (modelPath !== undefined)
  console.log(JSON.stringify(await logitsOf(tokens.split(',').map(Number))));
await llama.dispose();

async function logitsOf(ids) {
  const model = await llama.loadModel({ modelPath });
  const context = await model.createContext({
    contextSize: 256,
    flashAttention: false,
    swaFullCache: true,
    experimentalKvCacheKeyType: 'F32',
    experimentalKvCacheValueType: 'F32',
  });
  const ask = { generateNext: { logits: true } };
  const all = await context.getSequence().controlledEvaluate(ids.map((id) => [id, ask]));
  return all.map(({ next: { logits } }) => {
    return [...logits].toSorted(([a], [b]) => a - b).map(([, logit]) => logit);
  });
}
