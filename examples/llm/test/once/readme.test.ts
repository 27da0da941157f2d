import { codeBlocks, ownGpu, printedBy } from '@heed/testing';
import { expect, it } from 'vitest';
import { folderOf, randomCheckpoint } from '../random-checkpoint.ts';
import { manyRequests, oneText } from '../readme-examples.ts';
import { llama3 } from '../small-configs.ts';
import { END, tokenizerFiles, VOCAB_SIZE } from '../small-tokenizer.ts';

const files = import.meta.glob(['../../README.md', '../readme-examples.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});

const checkpoint = randomCheckpoint({ ...llama3, vocab_size: VOCAB_SIZE, eos_token_id: END });
const tokenizer = folderOf(tokenizerFiles);
const folder = async (name: string): Promise<Blob | undefined> =>
  (await tokenizer(name)) ?? (await checkpoint.folder(name));

it('the README shows the programs that run here', () => {
  const bodies = [...files['../readme-examples.ts']!.matchAll(/Promise<void> \{\n([^]*?)^\}$/gm)];
  const shown = bodies.map(([, body]) => body!.replaceAll(/^ {2}/gm, ''));
  expect(codeBlocks(files['../../README.md']!)).toEqual(shown);
});

it.for([
  ['one text', oneText],
  ['many requests', manyRequests],
] as const)('the program of %s runs', async ([, program]) => {
  using gpu = await ownGpu();
  const printed = await printedBy(() => program(gpu, folder));
  expect(printed.length).toBeGreaterThan(0);
});
