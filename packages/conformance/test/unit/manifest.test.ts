import { allCases } from '../../src/cases/all-cases.ts';
import { manifestOf, selectCases } from '@heed/conformance';
import { describe, expect, it } from 'vitest';
import manifest from '../../manifest.json' with { type: 'json' };

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
