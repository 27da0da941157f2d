// `node --conditions=@heed/source examples/llm/src/main.ts --model FOLDER --prompt TEXT`: continues a text, or answers it where the
// model has a template of conversations.
import { parseArgs } from 'node:util';
import { openGpu } from '@heed/core';
import { optionalJson } from './checkpoint/checkpoint-folder.ts';
import { nodeFolder } from './checkpoint/node-folder.ts';
import { ChatTokenizer } from './generation/chat-tokenizer.ts';
import { generate } from './generation/generate.ts';
import { readGenerationConfig } from './generation/sampling.ts';
import { LanguageModel } from './model/language-model.ts';
import { runProgram, wholeNumber } from './program.ts';

const USAGE = `node --conditions=@heed/source examples/llm/src/main.ts --model FOLDER --prompt TEXT
  --model FOLDER       config.json, model.safetensors, tokenizer.json of a published checkpoint
  --prompt TEXT        a message, or with --raw, or without a chat template, a text to continue
  --raw                do not use the chat template
  --max-tokens N       most tokens to generate (default 256)
  --context N          tokens of prompt and answer (default: the model's, at most 8192)
  --cache-bytes N      memory for keys and values (default 1 GiB)
  --temperature X, --top-k N, --top-p X, --seed N
                       default: generation_config.json and seed 0; temperature 0 takes the likeliest token
`;

const read = () =>
  parseArgs({
    options: {
      model: { type: 'string' },
      prompt: { type: 'string' },
      raw: { type: 'boolean', default: false },
      'max-tokens': { type: 'string', default: '256' },
      context: { type: 'string' },
      'cache-bytes': { type: 'string', default: String(2 ** 30) },
      temperature: { type: 'string' },
      'top-k': { type: 'string' },
      'top-p': { type: 'string' },
      seed: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  }).values;

runProgram(async () => {
  const values = read();
  if (values.help || values.model === undefined || values.prompt === undefined) {
    process.stderr.write(USAGE);
    process.exitCode = values.help ? 0 : 2;
  } else {
    await answer(values.model, values.prompt, values);
  }
});

async function answer(
  path: string,
  prompt: string,
  values: ReturnType<typeof read>,
): Promise<void> {
  const maxTokens = wholeNumber('max-tokens', values['max-tokens'], 1);
  const maxBytes = wholeNumber('cache-bytes', values['cache-bytes'], 1);
  const folder = nodeFolder(path);
  using gpu = await openGpu();
  const tokenizer = await ChatTokenizer.load(folder);
  const { sampling, endTokens } = readGenerationConfig(
    await optionalJson(folder, 'generation_config.json'),
  );
  const number = (name: keyof typeof values): number | undefined =>
    values[name] === undefined ? undefined : Number(values[name]);
  using model = await LanguageModel.load(gpu, folder, {
    ...given({ context: number('context') }),
    onProgress: (done, total) =>
      process.stderr.write(`\r${Math.round((100 * done) / total)} % loaded`),
  });
  process.stderr.write('\n');
  using cache = await model.createCache({ maxBytes });
  const chats = tokenizer.canChat && !values.raw;
  const text = tokenizer.stream();
  const started = performance.now();
  let count = 0;
  for await (const token of generate(model, cache, {
    prompt: chats
      ? tokenizer.encodeChat([{ role: 'user', content: prompt }])
      : tokenizer.encode(prompt),
    maxTokens,
    sampling: {
      ...sampling,
      ...given({ temperature: number('temperature'), topK: number('top-k') }),
      ...given({ topP: number('top-p'), seed: number('seed') }),
    },
    ...(endTokens.length > 0 && { endTokens }),
  })) {
    process.stdout.write(text.push(token));
    count++;
  }
  process.stdout.write(text.end());
  const seconds = (performance.now() - started) / 1000;
  process.stderr.write(`\n${count} tokens in ${seconds.toFixed(1)} s\n`);
}

/** Returns the options that are given. */
function given<T extends object>(options: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}
