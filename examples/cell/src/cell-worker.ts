// A worker of a cell: the server of examples/server, whose pages lie on Valkey as well, and which tells routers what it has.
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { openGpu } from '@heed/core';
import type { PageName } from '@heed/kvcache';
import {
  ChatTokenizer,
  LanguageModel,
  optionalJson,
  readGenerationConfig,
  ServeEngine,
  type ServeRequest,
} from '@heed/llm';
import { nodeFolder } from '@heed/llm/node';
import { runProgram } from '@heed/llm/program';
import { ModelHost, openAiServer, type ServedModel } from '@heed/server';
import { publishKvEvents, valkeyStore } from '@heed/valkey';
import { cellClient, PAGE_SIZE } from './cell-client.ts';
import { PromptRate } from './prompt-rate.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    model: text,
    name: text,
    worker: text,
    port: text,
    cell: text,
    valkey: text,
    'cache-bytes': { ...text, default: String(2 ** 30) },
  },
});
const { model: path, name, worker, port, cell, valkey } = values as Record<string, string>;
const url = `http://127.0.0.1:${port}`;

const client = cellClient(valkey!);
const store = valkeyStore(client);
const rate = new PromptRate();

async function open(): Promise<ServedModel> {
  const folder = nodeFolder(path!);
  const generation = readGenerationConfig(await optionalJson(folder, 'generation_config.json'));
  const tokenizer = await ChatTokenizer.load(folder);
  const gpu = await openGpu();
  const model = await LanguageModel.load(gpu, folder);
  const maxBytes = Number(values['cache-bytes']);
  const cache = await model.createCache({ maxBytes, pageSize: PAGE_SIZE });
  await model.warmup(cache);
  const engine = new ServeEngine(model, cache, { pageSize: PAGE_SIZE });
  const telling = publishKvEvents(cache, client, {
    cell: cell!,
    worker: worker!,
    url,
    pageSize: PAGE_SIZE,
    namespace: name!,
    load: () => {
      const { pages, free, cached } = cache.stats();
      const { running } = engine.stats;
      return {
        ...rate.sample(engine.stats.computed),
        runningSequences: running,
        freePages: free + cached,
        pages,
      };
    },
  });
  void gpu.lost.then(() => telling[Symbol.asyncDispose]());
  keepSaving(cache);
  return { gpu, model, cache, engine, tokenizer, generation };
}

/** Saves what becomes findable, a little later and many pages at once. */
function keepSaving(cache: ServedModel['cache']): void {
  let names: PageName[] = [];
  const save = async (): Promise<void> => {
    const some = names;
    names = [];
    // A store that is away costs nothing but the saving.
    await cache.save(store, { names: some, namespace: name! }).catch(() => {});
  };
  cache.on('stored', ({ name: stored }) => {
    if (names.push(stored) === 1) setTimeout(() => void save(), 100);
  });
}

/** Loads the pages that other workers have computed for a prompt, and counts it as waiting until it has ended. */
async function before({ cache }: ServedModel, request: ServeRequest): Promise<Disposable> {
  const done = rate.begin(request.prompt.length);
  const { prompt: tokens, salt = '' } = request;
  const { hold } = await cache
    .load(store, { tokens, salt, namespace: name! })
    .catch(() => ({ hold: undefined }));
  return {
    [Symbol.dispose]: () => {
      hold?.[Symbol.dispose]();
      done();
    },
  };
}

const host = new ModelHost(open);
runProgram(async () => {
  await host.current();
  await once(
    openAiServer(host, { model: name!, before }).listen(Number(port), '127.0.0.1'),
    'listening',
  );
  process.stdout.write(`${worker} at ${url}\n`);
});
