import { describe, expect, it } from 'vitest';
import { countPages, PageBook, type PageFacts } from '../../src/serve/engine/page-book.ts';
import { describePage, summaryOf } from '../../src/serve/engine/page-words.ts';

const root = 'r';

/** A book of 4 pages of 2 tokens, and a cache that has named the pages of [1 2 3 4]. */
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
    // A second copy of n34 would keep the name alive; page 2 holds something else now.
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
