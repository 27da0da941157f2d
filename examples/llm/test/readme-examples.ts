import type { Gpu } from '@heed/core';
import {
  answerText,
  ChatTokenizer,
  type CheckpointFolder,
  generate,
  LanguageModel,
  ServeEngine,
} from '@heed/llm';

/** The programs of the README, which shows the bodies of these functions. */
export async function oneText(gpu: Gpu, folder: CheckpointFolder): Promise<void> {
  const model = await LanguageModel.load(gpu, folder); // folder: (name) => a Blob of that file
  const cache = await model.createCache({ maxBytes: 2 ** 26 });
  const tokenizer = await ChatTokenizer.load(folder);

  const prompt = tokenizer.encodeChat([{ role: 'user', content: 'Hello' }]);
  const sampling = { temperature: 0.7, topP: 0.9, seed: 1 };
  const text = tokenizer.stream();
  for await (const token of generate(model, cache, { prompt, sampling, maxTokens: 20 })) {
    console.log(text.push(token));
  }
}

export async function manyRequests(gpu: Gpu, folder: CheckpointFolder): Promise<void> {
  const model = await LanguageModel.load(gpu, folder);
  const cache = await model.createCache({ maxBytes: 2 ** 26 });
  const tokenizer = await ChatTokenizer.load(folder);
  await model.warmup(cache);

  const engine = new ServeEngine(model, cache, { seats: 16 });
  const say = async (name: string, priority: number): Promise<void> => {
    const prompt = tokenizer.encode(`${name}: Hello`);
    const [answer] = engine.submit({ prompt, maxTokens: 20, priority });
    for await (const text of answerText(answer!, tokenizer, ['\nUser:'])) console.log(name, text);
  };
  await Promise.all([say('Ada', 0), say('Grace', 1)]);
}
