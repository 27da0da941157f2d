import { bareVars, nagaGaps, withoutComments } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { compileMod } from '../../src/index.ts';
import { library } from '../programs/library.ts';

const awkward = [
  (score: number, b: number, h: number, q: number, kv: number) =>
    q > 3 && (kv < 5 || q === kv) ? score ** 3 % 2.5 : Math.floor((q - kv) / 3) + Math.tanh(score),
  (b: number, h: number, q: number, kv: number) => !(q < kv && kv < 9) || (q ^ kv) % 3 === 0,
];

const mods = [
  ...library.map(({ name, mod, values }) => ({ name, wgsl: compileMod(mod, values).wgsl })),
  ...awkward.map((mod) => ({ name: String(mod), wgsl: compileMod(mod).wgsl })),
];

describe.for(mods)('the text of $name', ({ wgsl }) => {
  const text = withoutComments(wgsl);

  // It runs for every score, and some compilers never get through the branches that && and || are.
  it('has no short-circuit', () => {
    expect(text).not.toMatch(/&&|\|\|/);
  });

  it('initialises every variable', () => {
    expect(bareVars(text)).toEqual([]);
  });

  it('holds nothing that naga lacks', () => {
    expect(nagaGaps(text)).toEqual([]);
  });
});
