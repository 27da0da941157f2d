import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fromHalf, toHalf } from '@heed/core/kernel';
import { LanguageModel } from '@heed/llm';
import { isFullRun, testGpu } from '@heed/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Config, randomCheckpoint } from '../../llm/test/random-checkpoint.ts';
import { referenceLogits } from '../../llm/test/reference-model.ts';
import {
  gemma3,
  gemma4,
  gemma4e,
  gptOss,
  llama3,
  qwen2,
  qwen3,
} from '../../llm/test/small-configs.ts';
import { ggufFile } from '../gguf-file.ts';

const program = fileURLToPath(new URL('../llama-cpp.mjs', import.meta.url));

const llamaCpp = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)('node', [program, ...args], { maxBuffer: 2 ** 26 })).stdout;

const reason = await llamaCpp().then(
  () => undefined,
  (error: Error) => /^\w*Error.*$/m.exec(error.message)?.[0] ?? error.message,
);

/** llama.cpp has the pattern of the layers, the base of the windowed ones and the scale of Gemma 3's sizes in its code. */
const gemmaAsPublished: Config = {
  ...gemma3,
  num_hidden_layers: 7,
  sliding_window_pattern: 6,
  rope_local_base_freq: 10_000,
  query_pre_attn_scalar: gemma3['head_dim'],
};

/** llama.cpp has the bounds of the angles' ramp and of the activation in its code. */
const gptOssAsPublished: Config = {
  ...gptOss,
  swiglu_limit: 7,
  rope_scaling: { ...gptOss['rope_scaling'], beta_fast: 32, truncate: true },
};

/** llama.cpp has layers share the keys of the last two before them, of which the second is full. */
const gemma4eAsPublished: Config = {
  ...gemma4e,
  layer_types: [0, 0, 1, 0, 1].map((full) => (full ? 'full_attention' : 'sliding_attention')),
};

/** Names, configurations, and whether the quick run has them: those whose features the others have too are left out. */
const cases = [
  ['Llama 3', llama3, 'quick'],
  ['Qwen 2', qwen2, 'quick'],
  ['Qwen 3', qwen3, 'full'],
  ['Gemma 3', gemmaAsPublished, 'quick'],
  ['gpt-oss', gptOssAsPublished, 'quick'],
  ['Gemma 4', gemma4, 'full'],
  ['Gemma 4 with embeddings per layer', gemma4eAsPublished, 'quick'],
] as const;

const gpu = await testGpu();
const tokens = [5, 17, 99, 0, 42, 8, 9, 77, 3, 1, 60, 61, 62, 63, 64, 2, 4];
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-gguf-'));
});

afterAll(() => rm(folder, { recursive: true }));

// A test that is left out has the reason in its name.
describe.skipIf(reason !== undefined)(
  `llama.cpp${reason ? ` does not load: ${reason}` : ''}`,
  () => {
    it.for(isFullRun() ? cases : cases.filter(([, , when]) => when === 'quick'))(
      'has the logits of a random %s checkpoint',
      async ([architecture, config]) => {
        const checkpoint = randomCheckpoint(config);
        const path = join(folder, `${architecture}.gguf`);
        await writeFile(path, ggufFile(checkpoint));
        const want = (JSON.parse(await llamaCpp(path, tokens.join(','))) as number[][]).flat();

        using model = await LanguageModel.load(gpu, checkpoint.folder);
        using cache = await model.createCache({ maxBytes: 2 ** 22, dtype: 'f32' });
        const logits = model.forward(cache, [
          { sequence: cache.open(), tokens, wanted: tokens.length },
        ]);
        const got = await logits.read();

        // Twice the error of a naive run that rounds as llama.cpp does, whose GELU is a table of f16; and a few ulp of the largest.
        const exact = referenceLogits(checkpoint, tokens).flat();
        const roundGelu = (x: number): number => fromHalf(toHalf(x));
        const naive = referenceLogits(checkpoint, tokens, { round: Math.fround, roundGelu }).flat();
        const error = Math.max(...naive.map((x, i) => Math.abs(x - exact[i]!)));
        const largest = Math.max(...exact.map(Math.abs));
        const shape = [tokens.length, config['vocab_size']];
        expect(got).toMatchTensor(want, { tolerance: 2 * error + 8 * 2 ** -23 * largest, shape });
      },
    );
  },
);
