import * as api from '@heed/conformance';
import { manifestOf, selectCases } from '@heed/conformance';
import * as reference from '@heed/conformance/reference';
import type { AttentionOptions } from '@heed/kernels-wgsl';
import { codeBlocks, sectionsOf, tableRows } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import manifest from '../../manifest.json' with { type: 'json' };
import { allCases } from '../../src/cases/all-cases.ts';

describe('manifest.json', () => {
  it('lists the cases of the code; `npm run conformance -- --update-manifest` rewrites it', () => {
    expect(manifestOf(allCases)).toEqual(manifest);
  });

  it('refuses two cases of one name', () => {
    const [first] = allCases;
    if (first === undefined) throw new Error('no cases');
    expect(() => manifestOf([first, first])).toThrow(`two cases are called ${first.id}`);
  });

  it('names a case by group and storage type', () => {
    for (const c of allCases) {
      expect(c.id.startsWith(`${c.group}/`), c.id).toBe(true);
      expect(c.id.endsWith(`/${c.dtype}`), c.id).toBe(true);
      expect(c.id, c.id).not.toMatch(/\s/);
    }
  });
});

/** The groups whose cases are about an option of attention. The types refuse an option that has none. */
const groupsOfOptions: Readonly<Record<keyof AttentionOptions, readonly string[]>> = {
  scale: ['options', 'learned', 'backward-learned', 'windows', 'quantised-options'],
  causal: ['chunked-prefill', 'lengths', 'backward-dense'],
  window: ['windows', 'quantised-options', 'backward-dense'],
  align: ['windows', 'backward-dense'],
  softcap: ['options', 'learned', 'backward-learned', 'quantised-options', 'backward-dense'],
  alibiSlopes: ['options', 'quantised-options', 'backward-slopes'],
  sinks: ['options', 'quantised-options', 'backward-sinks'],
  seqUsedK: ['seqused', 'backward-seqused'],
  dropout: ['dropout', 'backward-dropout'],
  selectedKeys: ['selected-keys'],
  selectedBlockSize: ['selected-keys'],
  returnLse: ['lse', 'backward-lse'],
  returnMax: ['max'],
  out: ['out-param'],
  numSplits: ['splits', 'batch-invariance'],
  cascade: ['cascade'],
};

describe('allCases', () => {
  it.each(Object.entries(groupsOfOptions))('has cases of the option %s', (_, groups) => {
    expect(Object.keys(manifest.groups)).toEqual(expect.arrayContaining([...groups]));
  });
});

describe('selectCases', () => {
  it('filters by any of several parts, with a wildcard', () => {
    expect(
      selectCases({ filter: 'seqused/lens-1-1-1-1' }).every((c) =>
        c.id.includes('seqused/lens-1-1-1-1'),
      ),
    ).toBe(true);
    expect(selectCases({ filter: 'seqused*poison-inf*f16' }).length).toBe(5);
    expect(selectCases({ filter: ['canary', 'no such case'] }).map((c) => c.id)).toEqual([
      'canary/variable-in-a-loop/f32',
    ]);
    expect(selectCases({ filter: '.' }).length).toBeLessThan(selectCases().length);
  });

  it('full holds quick; storage type and tag restrict', () => {
    const [quick, full] = [selectCases(), selectCases({ tier: 'full' })];
    expect(full.length).toBe(allCases.length);
    expect(quick.every((c) => full.includes(c))).toBe(true);
    expect(selectCases({ dtype: 'f16' }).every((c) => c.dtype === 'f16')).toBe(true);
    expect(selectCases({ tag: 'browser' }).length).toBe(manifest.counts.browser);
  });
});

const files = import.meta.glob(['../../README.md', '../examples/*.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});
const readme = files['../../README.md']!;

// test/once/examples.test.ts runs the files of test/examples.
describe('the README', () => {
  it('shows the examples that run, the first of at most 15 lines', () => {
    const shown = ['quickstart', 'check-a-mod'].map((name) => files[`../examples/${name}.ts`]!);
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
