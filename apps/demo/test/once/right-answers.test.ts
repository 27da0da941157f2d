import { readFileSync } from 'node:fs';
import { PagedKvCache } from '@heed/kvcache';
import { expect, it } from 'vitest';
import { Runner } from '../../src/serve/engine/model-runner.ts';
import { Engine } from '../../src/serve/engine/serve-engine.ts';
import { BOUNDARY, decodeText, encodeText } from '../../src/text/corpus.ts';
import { answerTo, heldOutQuestions, QUESTIONS_SYSTEM } from '../../src/text/questions.ts';
import { uniforms } from '../../src/text/seeded-random.ts';
import { modelFromFile } from '../../src/transformer/language-model.ts';
import { testTfjs } from './demo-fixtures.ts';

const pageSize = 16;
const longest = 20;

it('the shipped model answers at least 99 of 100 questions that it was not trained on', async () => {
  const gpu = await testTfjs();
  const file = readFileSync(new URL('../../public/model.safetensors', import.meta.url));
  using runner = new Runner(gpu, modelFromFile(file), 64);
  const { layers, kvHeads, headDim } = runner.config;
  using cache = await PagedKvCache.create(gpu, { layers, kvHeads, headDim, pageSize, pages: 256 });
  const engine = new Engine({ runner, cache, pageSize, seats: 32, drafts: 0 });
  const questions = heldOutQuestions(100, uniforms(7));
  questions.forEach((question, i) => {
    // Every other one begins as those of the page do.
    const text = (i % 8 < 4 ? QUESTIONS_SYSTEM : '') + question;
    const prompt = [BOUNDARY, ...encodeText(text)];
    engine.submit({ id: String(i), prompt, count: longest, branches: 1, end: BOUNDARY });
  });
  while (!engine.isIdle) await engine.step();
  const wrong = engine.answers().flatMap(({ request, tokens }) => {
    const question = questions[Number(request)]!;
    const answer = decodeText(Uint8Array.from(tokens));
    return answer === answerTo(question) ? [] : [`${question}${answer}`];
  });
  expect(engine.answers()).toHaveLength(100);
  expect(wrong.length, wrong.join('; ')).toBeLessThanOrEqual(1);
});
