import { PagedKvCache } from '@heed/kvcache';
import { gpu, read, shape } from './setup.ts';

const cache = await PagedKvCache.create(gpu, { ...shape, pageSize: 4, pages: 16 });

/** Prompt lookup: guesses that the tokens after an earlier occurrence of the last token come again. */
function draft(tokens: readonly number[]): number[] {
  const before = tokens.lastIndexOf(tokens.at(-1)!, -2);
  return before < 0 ? [] : tokens.slice(before + 1, before + 5);
}

const tokens = [1, 2, 3];
const sequence = cache.open();
await read(cache, [sequence], [tokens.slice(0, -1)]);
sequence.commit(tokens.slice(0, -1));

let [steps, rejected] = [0, 0];
while (tokens.length < 24) {
  // One step reads the last token and the guess, and returns the model's own choice after each of them.
  const last = tokens.at(-1)!;
  const guess = draft(tokens);
  const [sums] = await read(cache, [sequence], [[last, ...guess]]);
  const choices = sums!.map((sum) => sum % 10);
  const wrong = guess.findIndex((token, i) => token !== choices[i]);
  const accepted = wrong < 0 ? guess : guess.slice(0, wrong);

  sequence.truncate(sequence.length - guess.length + accepted.length); // drops the rejected rows
  sequence.commit([last, ...accepted]);
  tokens.push(...accepted, choices[accepted.length]!);
  steps++;
  rejected += guess.length - accepted.length;
}
console.log(tokens.slice(0, 16).join(' ')); // 1 2 3 6 2 4 8 6 2 4 8 6 2 4 8 6
console.log(tokens.length - 3, steps, rejected); // 25 9 3
sequence.close();
cache.dispose();
