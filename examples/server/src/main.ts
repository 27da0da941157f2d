// `node --conditions=@heed/source examples/server/src/main.ts --model FOLDER`: serves a model on 127.0.0.1:8080.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { basename, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openGpu } from '@heed/core';
import { fsStore } from '@heed/kvcache/node';
import {
  ChatTokenizer,
  LanguageModel,
  optionalJson,
  readGenerationConfig,
  ServeEngine,
} from '@heed/llm';
import { nodeFolder } from '@heed/llm/node';
import { runProgram, wholeNumber } from '@heed/llm/program';
import { openAiServer } from './openai-server.ts';
import { ModelHost, type ServedModel } from './served-model.ts';

const USAGE = `node --conditions=@heed/source examples/server/src/main.ts --model FOLDER
  --model FOLDER     a published checkpoint: config.json, model.safetensors, tokenizer.json
  --name NAME        the model's name in answers (default: the folder's)
  --host, --port     default 127.0.0.1 and 8080
  --context N        tokens of prompt and answer (default: the model's, at most 8192)
  --cache-bytes N    memory for keys and values (default 1 GiB)
  --max-tokens N     most tokens of an answer (default 1024)
  --store FOLDER     keys and values are saved there at the end, and found again at the next start
`;

const read = () =>
  parseArgs({
    options: {
      model: { type: 'string' },
      name: { type: 'string' },
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '8080' },
      context: { type: 'string' },
      'cache-bytes': { type: 'string', default: String(2 ** 30) },
      'max-tokens': { type: 'string', default: '1024' },
      store: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  }).values;

type Values = ReturnType<typeof read>;

runProgram(async () => {
  const values = read();
  if (values.help || values.model === undefined) {
    process.stderr.write(USAGE);
    process.exitCode = values.help ? 0 : 2;
  } else {
    await serve(values.model, values);
  }
});

async function serve(path: string, values: Values): Promise<void> {
  const port = wholeNumber('port', values.port, 0, 65_535);
  const maxTokens = wholeNumber('max-tokens', values['max-tokens'], 1);
  const name = values.name ?? basename(resolve(path));
  const store = values.store === undefined ? undefined : fsStore(values.store);
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const host = new ModelHost(() => open(path, values));
  const server = openAiServer(host, { model: name, maxTokens });
  const stop = async (): Promise<void> => {
    server.close();
    await host.close(async ({ cache }) => {
      if (store) say(`${(await cache.save(store, { namespace: name })).saved} pages saved`);
    });
    process.exit(0);
  };
  process.once('SIGINT', () => void stop());
  process.once('SIGTERM', () => void stop());
  const [{ cache }] = await Promise.all([
    host.current(),
    once(server.listen(port, values.host), 'listening'),
  ]);
  if (store) say(`${(await cache.load(store, { namespace: name })).loaded} pages loaded`);
  say(`${name} at http://${values.host}:${(server.address() as AddressInfo).port}/v1`);
}

async function open(path: string, values: Values): Promise<ServedModel> {
  const maxBytes = wholeNumber('cache-bytes', values['cache-bytes'], 1);
  const folder = nodeFolder(path);
  const generation = readGenerationConfig(await optionalJson(folder, 'generation_config.json'));
  const tokenizer = await ChatTokenizer.load(folder);
  const gpu = await openGpu();
  const context =
    values.context === undefined ? {} : { context: wholeNumber('context', values.context, 1) };
  const model = await LanguageModel.load(gpu, folder, context);
  const cache = await model.createCache({ maxBytes });
  await model.warmup(cache);
  return { gpu, model, cache, engine: new ServeEngine(model, cache), tokenizer, generation };
}
