import { describe, expect, it, test } from 'vitest';
import {
  countPages,
  describePage,
  PageBook,
  type PageFacts,
  summaryOf,
} from '../../src/serve/engine/page-book.ts';
import { planStep, shouldHoldBack } from '../../src/serve/engine/scheduling.ts';
import { argmax, largest, promptLookup, verify } from '../../src/serve/engine/speculation.ts';
import { pageBytes } from '../../src/serve/view/serve-numbers.ts';

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
    // [2, 3, 4] occurred twice, but [1, 2, 3, 4] only once.
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
    // The last token of a prompt is never found.
    expect(shouldHoldBack(tokens.slice(0, 8), [{ tokens, length: 4 }], 4)).toBe(false);
  });
});

test('bytes of a page are those that docs/kvcache.md states', () => {
  const model = { layers: 1, kvHeads: 1, headDim: 64 };
  const bytes = (format: 'f16' | 'int8' | 'int4'): number => pageBytes(model, 1, format) / 2;
  expect([bytes('f16'), bytes('int8'), bytes('int4')]).toEqual([128, 68, 36]);
});

const root = 'r';

/** Returns a book of 4 pages of 2 tokens that has seen the names of the pages of [1 2 3 4]. */
function book(): PageBook {
  const made = new PageBook(4, 2);
  made.stored({ name: 'n12', parent: root, tokens: Uint32Array.of(1, 2), depth: 0, page: 1 });
  made.stored({ name: 'n34', parent: 'n12', tokens: Uint32Array.of(3, 4), depth: 1, page: 2 });
  return made;
}

const brief = ({ page, state, owners, tokens, name }: PageFacts): string =>
  [page, state, owners.join('+'), tokens.join(' '), name ?? ''].join('|');

describe('the picture of pages', () => {
  it('tells what is used, shared and free', () => {
    const made = book();
    const tables = [
      { owner: 'A', pages: [1, 2, 3], tokens: [1, 2, 3, 4, 5] },
      { owner: 'B', pages: [1, 4], tokens: [1, 2, 9] },
    ];
    made.update(tables, tables);
    expect(made.pages().map(brief)).toEqual([
      '1|shared|A+B|1 2|n12',
      '2|used|A|3 4|n34',
      '3|used|A|5|',
      '4|used|B|9|',
    ]);
    expect(countPages(made.pages())).toEqual({ used: 3, shared: 1, cached: 0, free: 0 });
  });

  it('keeps what is named when its owner has gone, until it is removed', () => {
    const made = book();
    made.update([{ pages: [1, 2, 3], tokens: [1, 2, 3, 4, 5] }], []);
    expect(made.pages().map(brief)).toEqual([
      '1|cached||1 2|n12',
      '2|cached||3 4|n34',
      '3|free|||',
      '4|free|||',
    ]);
    made.removed({ name: 'n34', page: 2 });
    expect(made.pages()[1]!.state).toBe('free');
  });

  it('takes back the pages of a guess that was refused', () => {
    const made = book();
    made.update([{ pages: [1, 2, 3], tokens: [1, 2, 3] }], [{ owner: 'A', pages: [1, 2] }]);
    expect(made.pages().map(brief).slice(0, 3)).toEqual([
      '1|used|A|1 2|n12',
      '2|used|A|3|',
      '3|free|||',
    ]);
  });

  it('does not take a page for cached that a guess has overwritten', () => {
    const made = book();
    made.update([{ pages: [1, 2], tokens: [1, 2, 3, 4] }], []);
    // A second copy of n34 would keep the name; page 2 holds other tokens now.
    made.update([{ pages: [3, 2], tokens: [7, 7] }], [{ owner: 'B', pages: [3] }]);
    expect(made.pages()[1]!.state).toBe('free');
  });

  it('forgets all when the cache does', () => {
    const made = book();
    made.update([{ pages: [1, 2], tokens: [1, 2, 3, 4] }], []);
    made.cleared();
    expect(countPages(made.pages()).free).toBe(4);
  });

  it('knows where a load has put a prefix', () => {
    const [first, second] = book().pages();
    expect([first, second].map((facts) => brief(facts!))).toEqual([
      '1|cached||1 2|n12',
      '2|cached||3 4|n34',
    ]);
    expect([first!.position, second!.position]).toEqual([0, 2]);
  });

  it('knows a second copy, of which no event tells', () => {
    const made = book();
    made.update([{ pages: [3, 4], tokens: [1, 2, 3, 4] }], []);
    expect(made.pages().map(brief).slice(2)).toEqual(['3|cached||1 2|n12', '4|cached||3 4|n34']);
  });
});

it('words say what the picture shows', () => {
  const made = book();
  const table = { owner: 'A', pages: [1, 2], tokens: [1, 2, 72] };
  const other = { owner: 'B', pages: [1], tokens: [1, 2] };
  made.update([table, other], [table, other]);
  const [first, second, , last] = made.pages();
  expect(describePage(first!, 2)).toBe(
    'Page 1, shared by A and B, positions 0 to 1, full, name n12: “··”',
  );
  expect(describePage(second!, 2)).toBe('Page 2, of A, position 2, 1 of 2 tokens: “H”');
  expect(describePage(last!, 2)).toBe('Page 4, free');
  expect(summaryOf(made.pages())).toBe(
    '2 of 4 pages in use, 1 of them shared; 0 cached, 2 free. A has 2 pages, B has 1.',
  );
});
