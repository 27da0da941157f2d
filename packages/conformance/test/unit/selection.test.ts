import { describe, expect, it } from 'vitest';
import { casesOf } from '../../src/run/select-cases.ts';
import { cover, partsOf, priceOf, type Recorded, selectionOf } from '../selection/cover.ts';
import selection from '../selection/selection.json' with { type: 'json' };

const forward = (hook: string, d = 64): string =>
  `heed/forward q=f32 kv=f32 | d=${d} dv=${d} | dense strided | read=vec4 write=vec4 | hooks=${hook} | path=subgroup`;
const one = (id: string, ...kernels: string[]): Recorded => ({ id, kernels, ms: 1 });

describe('cover', () => {
  const letters = ({ id }: Recorded): string[] => id.split('');

  it('takes the case that adds most for what its kernels cost', () => {
    const cases = [one('abc', 'x', 'y', 'z'), one('ab', 'x'), one('c', 'x'), one('a')];
    const chosen = cover(cases, letters, () => 1);
    expect(chosen.map(({ id }) => id)).toEqual(['a', 'ab', 'c']);
  });

  it('counts a kernel once, and takes the first of equals', () => {
    const cases = [one('a', 'x'), one('b', 'y'), one('b', 'x'), one('b', 'x')];
    const chosen = cover(cases, letters, () => 1);
    expect(chosen).toEqual([cases[0], cases[2]]);
  });
});

describe('a kernel', () => {
  it('has a kind and parts, without its sizes and the hashes of functions', () => {
    expect(partsOf(forward('score_0123456789abcdef+band'))).toEqual({
      kind: 'heed/forward',
      types: ['q=f32', 'kv=f32'],
      parts: ['dense strided', 'read=vec4 write=vec4', 'hook=score', 'hook=band'],
    });
    expect(partsOf('heed/block-mask dense strided mask_0123456789abcdef').kind).toBe(
      'heed/block-mask dense strided mask',
    );
  });

  it('costs more the more there is to compile', () => {
    const labels = ['heed/fill', forward('band'), 'heed/backward dq q=f32', forward('band', 256)];
    const prices = labels.map(priceOf);
    expect(prices).toEqual(prices.toSorted((a, b) => a - b));
  });
});

describe('a selection', () => {
  it('leaves out what needs further kernels, and what is slow, but no group; other devices run what dispatches', () => {
    const slow = { ...one('a/slow', forward('band')), ms: 1000 };
    const recorded = [
      one('a/first', forward('band')),
      one('a/other', forward('band', 32)),
      one('a/same', forward('band')),
      slow,
      one('a/none'),
      { ...one('b/refused'), host: true },
      one('c/reads'),
      one('flex-d/mods', forward('score')),
      one('flex-e/same-parts', forward('score', 32)),
    ];
    expect(selectionOf(recorded)).toEqual({
      devices: ['a/first', 'c/reads', 'flex-d/mods'],
      browsers: ['a/first', 'c/reads', 'flex-d/mods'],
      groups: ['flex-e/same-parts'],
      left: ['a/other', 'a/slow', 'flex-e/same-parts'],
    });
  });
});

describe('selection.json', () => {
  const quick = casesOf({});
  const ids = quick.map(({ id }) => id);
  const groups = (some: readonly string[]): Set<string> =>
    new Set(quick.filter(({ id }) => some.includes(id)).map(({ group }) => group));

  it('names cases that there are; after a change of names: pnpm choose', () => {
    const named = Object.values(selection).flat();
    expect(named.filter((id) => !ids.includes(id))).toEqual([]);
  });

  it('has every group in gpu-node or once', () => {
    const run = ids.filter((id) => !selection.left.includes(id));
    expect(groups([...run, ...selection.groups])).toEqual(groups(ids));
  });

  it.for(['devices', 'browsers'] as const)('has every subject for %s, and f16', (name) => {
    const run = selection[name];
    const subject = (group: string): string =>
      group.replace(/^(flex|backward|quantised|cache)-.*/, '$1');
    const of = (some: Set<string>): string[] => [...new Set([...some].map(subject))].toSorted();
    expect(of(groups(run))).toEqual(of(groups(ids)));
    expect(run.some((id) => id.endsWith('/f16'))).toBe(true);
  });
});
