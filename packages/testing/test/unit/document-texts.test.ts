import { describe, expect, it } from 'vitest';
import {
  bare,
  codeBlocks,
  docstringExamples,
  guideExamples,
  printedBy,
  sectionsOf,
  shown,
  statementsOf,
  tableRows,
} from '../../src/index.ts';

const guide = `# Guide

## 1. First

\`\`\`ts
console.log(1, [2, 3]); // 1 [ 2, 3 ]
console.log(picture);
\`\`\`

\`\`\`text
▒·
▒▒
\`\`\`

## Rules

| a | b |
|---|---|
| \`x \\| y\` | 2 |

after
`;

describe('a guide', () => {
  it('has sections, code and tables', () => {
    expect([...sectionsOf(guide).keys()]).toEqual(['1. First', 'Rules']);
    expect(codeBlocks(guide)).toEqual([
      'console.log(1, [2, 3]); // 1 [ 2, 3 ]\nconsole.log(picture);\n',
    ]);
    expect(tableRows(sectionsOf(guide).get('Rules')!)).toEqual([['x | y', '2']]);
  });

  it('says what its examples print, beside the call or in the block below', () => {
    const [example, ...others] = guideExamples(guide);
    expect(others).toEqual([]);
    expect(example).toMatchObject({ title: '1. First', printed: ['1 [ 2, 3 ]', '▒·\n▒▒'] });
  });

  it('that has a block which nothing prints, or a call whose text is missing, says so', () => {
    const extra = guide.replace('console.log(picture);\n', '');
    expect(guideExamples(extra)[0]!.printed).toEqual(['1 [ 2, 3 ]', '(printed by nothing)']);
    const missing = guide.replaceAll('```text', '```');
    expect(guideExamples(missing)[0]!.printed).toContain('(no text)');
  });
});

describe('a docstring', () => {
  const source = `
/**
 * Does it.
 * @example
 * const x = f({
 *   a: 1,
 * });
 * g(x);
 */
export function f(): void {}

class C {
  /**
   * @example
   * h();
   */
}
`;

  it('has examples, and those statements', () => {
    const examples = docstringExamples(source);
    expect(examples).toHaveLength(2);
    expect(examples[1]).toBe('h();');
    expect(statementsOf('a(\n  1);\nb();')).toEqual(['a(\n  1);', 'b();']);
  });

  it('says the same in other lines', () => {
    expect(bare('f({\n  a: 1,\n});')).toBe(bare('f({ a: 1 });'));
    expect(bare('f(1)')).not.toBe(bare('f(2)'));
  });
});

describe('what is printed', () => {
  it('is caught call by call, and shown as a console does', async () => {
    const calls = await printedBy(() => {
      console.log('a', [1, 2]);
      console.log(3);
    });
    expect(calls).toEqual([['a', [1, 2]], [3]]);
    expect(calls.map(shown)).toEqual(['a [ 1, 2 ]', '3']);
  });
});
