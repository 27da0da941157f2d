import { type KvSequence, PagedKvCache } from '@heed/kvcache';
import { gpu, read, shape } from './setup.ts';

const cache = await PagedKvCache.create(gpu, { ...shape, pageSize: 4, pages: 32 });

/** Possible next tokens, given the sum of all tokens so far. After an odd sum there is only one. */
const continuations = (sum: number): [token: number, p: number][] =>
  sum % 2 === 1
    ? [[sum % 10, 0.9]]
    : [
        [2, 0.5],
        [3, 0.4],
      ];

interface Beam {
  readonly sequence: KvSequence;
  readonly tokens: number[];
  readonly score: number;
}

async function search(width: number): Promise<Beam> {
  let beams: Beam[] = [{ sequence: cache.open(), tokens: [1, 1, 2, 2], score: 0 }];
  let sums = await read(cache, [beams[0]!.sequence], [beams[0]!.tokens]);
  for (let n = 0; n < 4; n++) {
    const grown = beams.flatMap(({ sequence, tokens, score }, i) =>
      continuations(sums[i]!.at(-1)!).map(([token, p]) => {
        return { from: sequence, tokens: [...tokens, token], score: score + Math.log(p) };
      }),
    );
    const best = grown.toSorted((a, b) => b.score - a.score).slice(0, width);
    const next = best.map((beam): Beam => ({ ...beam, sequence: beam.from.fork() }));
    for (const { sequence } of beams) sequence.close(); // the forks hold the pages that they share
    beams = next;
    sums = await read(
      cache,
      beams.map((b) => b.sequence),
      beams.map((b) => b.tokens.slice(-1)),
    );
  }
  for (const { sequence } of beams) sequence.close();
  return beams[0]!;
}

const greedy = await search(1);
console.log(greedy.tokens.join(' '), Math.exp(greedy.score).toFixed(3)); // 1 1 2 2 2 2 2 2 0.063
const beam = await search(3);
console.log(beam.tokens.join(' '), Math.exp(beam.score).toFixed(3)); // 1 1 2 2 3 9 3 1 0.130
console.log(cache.stats().copies); // 2
cache.dispose();
