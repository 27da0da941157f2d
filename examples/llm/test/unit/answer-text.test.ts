import { expect, it } from 'vitest';
import { ChatTokenizer } from '../../src/generation/chat-tokenizer.ts';
import { answerText } from '../../src/serving/answer-text.ts';
import { promptLookup } from '../../src/serving/step-plan.ts';
import { folderOf } from '../random-checkpoint.ts';
import { tokenizerFiles } from '../small-tokenizer.ts';

const tokenizer = await ChatTokenizer.load(folderOf(tokenizerFiles));

/** The pieces of a text's answer, and how many of its tokens were read. */
async function streamed(text: string, stops: string[]): Promise<[pieces: string[], read: number]> {
  let read = 0;
  async function* tokens(): AsyncGenerator<number> {
    for (const token of tokenizer.encode(text)) {
      read++;
      yield token;
    }
  }
  const pieces: string[] = [];
  for await (const piece of answerText(tokens(), tokenizer, stops)) pieces.push(piece);
  return [pieces, read];
}

it('ends before the first stop string, and reads no further', async () => {
  const [pieces, read] = await streamed('ab\nUser: cd', ['User:', 'zz']);
  expect(pieces.join('')).toBe('ab\n');
  expect(read).toBe(1 + 'ab\nUser:'.length);
  expect((await streamed('abc', ['abc', 'bc']))[0].join('')).toBe('');
});

it('holds a text back while a stop string may begin in it', async () => {
  const [pieces] = await streamed('xENxEND', ['END']);
  expect(pieces).toEqual(['x', 'ENx']);
  expect((await streamed('xEN', ['END']))[0]).toEqual(['x', 'EN']);
  const [parts] = await streamed('é👋', []);
  expect(parts).toEqual(['é', '👋']);
});

it('guesses what followed the latest tokens before', () => {
  expect(promptLookup([1, 2, 3, 4, 5, 1, 2, 3], 2)).toEqual([4, 5]);
  expect(promptLookup([1, 2, 3, 9, 1, 2, 3, 4, 1, 2, 3], 1)).toEqual([4]);
  expect(promptLookup([1, 2, 3, 1, 2, 3], 9)).toEqual([1, 2, 3]);
  expect(promptLookup([1, 2, 3, 4], 4)).toEqual([]);
  expect(promptLookup([1, 2, 3, 1, 2, 3], 0)).toEqual([]);
});
