import { describe, expect, it, test } from 'vitest';
import { promptLookup } from '../../src/serve/engine/draft.ts';
import { argmax, largest } from '../../src/serve/engine/greedy.ts';
import { shouldHoldBack } from '../../src/serve/engine/hold-back.ts';
import { pageBytes } from '../../src/serve/engine/memory.ts';
import { planStep } from '../../src/serve/engine/plan-step.ts';
import { verify } from '../../src/serve/engine/verify.ts';

describe('a step', () => {
  const one = (count: number, draft: number[] = []) => ({
    pending: Array.from({ length: count }, (_, i) => i),
    draft,
  });
  const counts = (news: readonly (readonly number[])[]): number[] => news.map((n) => n.length);

  it('gives everybody a row, and the others to the oldest prompt', () => {
    expect(counts(planStep([one(1), one(30), one(30), one(1)], 16))).toEqual([1, 13, 1, 1]);
  });

  it('takes prompts whole where there is room, then guesses', () => {
    expect(planStep([one(1, [7, 8]), one(3)], 16)).toEqual([
      [0, 7, 8],
      [0, 1, 2],
    ]);
  });

  it('never has more rows than there are', () => {
    expect(counts(planStep([one(1, [1, 2, 3]), one(9), one(1)], 4))).toEqual([2, 1, 1]);
    expect(counts(planStep([one(9), one(9)], 2))).toEqual([1, 1]);
  });
});

describe('prompt lookup', () => {
  it('goes on as it went on before', () => {
    expect(promptLookup([1, 2, 3, 4, 5, 9, 1, 2, 3], 2)).toEqual([4, 5]);
  });

  it('takes the longest match, and of equal ones the last', () => {
    // [2, 3, 4] was there twice, but [1, 2, 3, 4] only once.
    expect(promptLookup([1, 2, 3, 4, 5, 0, 2, 3, 4, 6, 0, 1, 2, 3, 4], 1)).toEqual([5]);
    expect(promptLookup([2, 3, 4, 5, 0, 2, 3, 4, 6, 0, 2, 3, 4], 1)).toEqual([6]);
  });

  it('goes on in circles where that runs into the end', () => {
    expect(promptLookup([7, 7, 7, 7, 7], 3)).toEqual([7, 7, 7]);
    expect(promptLookup([1, 2, 3, 1, 2, 3], 4)).toEqual([1, 2, 3, 1]);
  });

  it('guesses nothing after two tokens in common, or when nothing may be guessed', () => {
    expect(promptLookup([1, 2, 9, 8, 1, 2], 4)).toEqual([]);
    expect(promptLookup([1, 2, 3, 4, 1, 2, 3], 0)).toEqual([]);
    expect(promptLookup([], 4)).toEqual([]);
  });
});

describe('verification', () => {
  const says =
    (...tokens: number[]) =>
    (index: number) =>
      Float32Array.from({ length: 10 }, (_, i) => (i === tokens[index] ? 1 : 0));

  test.for([
    ['no guess', [], [4], [], 4],
    ['all right', [4, 5], [4, 5, 6], [4, 5], 6],
    ['wrong at the end', [4, 5], [4, 9, 6], [4], 9],
    ['wrong at once, right by chance after', [4, 5], [3, 5, 6], [], 3],
  ] as const)('%s', ([, guess, model, accepted, next]) => {
    expect(verify(guess, says(...model))).toEqual({ accepted, next: [next] });
  });

  it('takes nothing behind the end of an answer', () => {
    expect(verify([4, 0, 5], says(4, 0, 5, 6), 0)).toEqual({ accepted: [4, 0], next: [] });
  });
});

test('greedy takes the first of equal ones, and knows the next best', () => {
  expect(argmax([1, 3, 3])).toBe(1);
  expect(largest([1, 3, 0, 3, 2], 3)).toEqual([1, 3, 4]);
});

describe('a request waits for pages that are being computed', () => {
  const tokens = [1, 2, 3, 4, 5, 6, 7, 8, 9];

  it('until they are there', () => {
    expect(shouldHoldBack(tokens, [{ tokens, length: 4 }], 4)).toBe(true);
    expect(shouldHoldBack(tokens, [{ tokens, length: 8 }], 4)).toBe(false);
  });

  it('not for a page that it could share only in part', () => {
    expect(shouldHoldBack(tokens, [{ tokens: [1, 2, 3, 9, 9], length: 0 }], 4)).toBe(false);
    // At most all but the last token are found.
    expect(shouldHoldBack(tokens.slice(0, 8), [{ tokens, length: 4 }], 4)).toBe(false);
  });
});

test('bytes of a page are those that docs/kvcache.md states', () => {
  const model = { layers: 1, kvHeads: 1, headDim: 64 };
  const bytes = (format: 'f16' | 'int8' | 'int4'): number => pageBytes(model, 1, format) / 2;
  expect([bytes('f16'), bytes('int8'), bytes('int4')]).toEqual([128, 68, 36]);
});
