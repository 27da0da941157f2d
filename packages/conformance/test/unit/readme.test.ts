import * as api from '@heed/conformance';
import * as reference from '@heed/conformance/reference';
import { allCases } from '../../src/cases/all-cases.ts';
import { codeBlocks, sectionsOf, tableRows } from '@heed/testing';
import { describe, expect, it } from 'vitest';

const files = import.meta.glob(['../../README.md', '../examples/*.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});
const readme = files['../../README.md']!;

// test/once/examples.test.ts runs the files of test/examples.
describe('the README', () => {
  it('shows the examples that run, the first of at most 15 lines', () => {
    const shown = ['quickstart', 'gradcheck'].map((name) => files[`../examples/${name}.ts`]!);
    expect(codeBlocks(readme)).toEqual(shown);
    expect(shown[0]!.split('\n').filter((line) => line.trim() !== '').length).toBeLessThan(16);
  });

  it.each([
    ['API', api],
    ['Reference and budgets', reference],
  ])('names every function of its entry, and no other: %s', (section, entry) => {
    const cells = tableRows(sectionsOf(readme).get(section)!).map(([first]) => first!);
    const names = cells.flatMap((cell) => cell.replaceAll(/\([^)]*\)/g, '').split(', '));
    expect(names.toSorted()).toEqual(Object.keys(entry).toSorted());
  });

  it('knows how many cases there are', () => {
    const some = Number(/some ([\d,]+) named cases/.exec(readme)![1]!.replace(',', ''));
    expect(Math.abs(some / allCases.length - 1)).toBeLessThan(0.02);
  });

  it('names every group of cases, and no other', () => {
    const rows = tableRows(sectionsOf(readme).get('Cases')!).map(([first]) => first!);
    const groups = new Set(allCases.map(({ id }) => id.split('/')[0]!));
    expect(rows.flatMap((row) => row.split(', ')).toSorted()).toEqual([...groups].toSorted());
  });
});
