import type { Tensor } from '@heed/core';
import { describe, expect, it } from 'vitest';
import { compileMod, type ScoreMod } from '../../src/index.ts';

const table = (dtype: string, ...shape: number[]): object => ({ dtype, shape });

/** The lines under a heading of what `explain()` says. */
function sectionOf(text: string, title: string): string[] {
  const lines = text.split('\n');
  const start = lines.indexOf(title) + 1;
  if (start === 0) return [];
  return lines.slice(start, lines.indexOf('', start)).map((line) => line.trim());
}

const gradientsOf = (mod: Function, captures: Record<string, unknown>): string[] =>
  sectionOf(compileMod(mod, captures).explain(), 'gradients');

const perScore = (inputs: string): string =>
  `added score by score, in 64-bit fixed point: its index depends on ${inputs}`;
const perRow = (why: string): string =>
  `summed along a query row, then added in 64-bit fixed point: its index ${why}, so all keys of a row share an element`;

describe('explain() says how gradients are summed, and why', () => {
  it.for<[string, ScoreMod<{ x: Tensor }>, string]>([
    ['by the key', (s, b, h, q, kv, c) => s + c.x[kv]!, perScore('kv')],
    ['by the distance', (s, b, h, q, kv, c) => s + c.x[q - kv + 4]!, perScore('kv, q')],
    ['by the key’s row', (s, b, h, q, kv, c, i) => s + c.x[i.kvRow]!, perScore('kvRow')],
    ['by the score', (s, b, h, q, kv, c) => s + c.x[Math.floor(s)]!, perScore('score')],
    ['by the head', (s, b, h, q, kv, c) => s * c.x[h]!, perRow('depends on h alone')],
    ['by entry and row', (s, b, h, q, kv, c) => s * c.x[b + q]!, perRow('depends on b, q alone')],
    ['nowhere else', (s, b, h, q, kv, c) => s * c.x[3]!, perRow('is fixed')],
  ])('a table read %s', ([, mod, said]) => {
    expect(gradientsOf(mod, { x: table('f32', 8) })).toEqual([`x: ${said}`]);
  });

  it('each read of a table, and a table that another one points into', () => {
    const mod: ScoreMod<{ x: Tensor; at: Tensor }> = (s, b, h, q, kv, { x, at }) =>
      s + x[at[q]!]! + x[at[kv]!]!;
    const captures = { x: table('f16', 8), at: table('i32', 8) };
    expect(gradientsOf(mod, captures)).toEqual([
      'at: none, its elements are integers',
      `x: ${perRow('depends on q alone')}`,
      `x: ${perScore('kv')}`,
    ]);
  });

  it('what has none', () => {
    const mod: ScoreMod<{ cap: number; far: number; on: boolean; x: Tensor }> = (
      s,
      b,
      h,
      q,
      kv,
      { cap, far, on, x },
    ) => (on && q - kv > far && x[h]! > 0 ? s : s * cap);
    const captures = { cap: 0.5, far: 3, on: true, x: table('f32', 4) };
    expect(gradientsOf(mod, captures).toSorted()).toEqual([
      'cap: none, it is a number; a tensor of shape [] has a gradient',
      'far: none, it is i32',
      'on: none, it is bool',
      'x: none, the derivative with respect to its elements is 0 everywhere',
    ]);
  });

  it('nothing of masks, and of mods without captures', () => {
    const mask = (b: number, h: number, q: number, kv: number, c: { x: number[] }): boolean =>
      c.x[q]! > kv;
    expect(gradientsOf(mask, { x: table('f32', 8) })).toEqual([]);
    expect(gradientsOf((s: number) => s * s, {})).toEqual([]);
  });
});

describe('explain() of a mask says whether it prunes, and what keeps it from it', () => {
  type Mask = (
    b: number,
    h: number,
    q: number,
    kv: number,
    c: Record<string, never> & { w: number; id: number[] },
    info: { kvRow: number },
  ) => boolean;
  const captures = { w: 200, id: table('i32', 64) };
  const pruningOf = (mask: Mask): string[] =>
    sectionOf(compileMod(mask, captures).explain(), 'prunes');
  const never = 'no: bounds find no block that is empty or full';

  it.for<[string, Mask, string[]]>([
    [
      'causal',
      (b, h, q, kv) => q >= kv,
      ['yes: of 64 blocks of 128 × 128, 28 are known to be empty and 28 to be full'],
    ],
    [
      'a window, by the value that it captures',
      (b, h, q, kv, c) => Math.abs(q - kv) <= c.w,
      ['yes: of 64 blocks of 128 × 128, 30 are known to be empty and 8 to be full'],
    ],
    [
      'a table',
      (b, h, q, kv, c) => c.id[q] === c.id[kv],
      ['by the least and the largest elements of id'],
    ],
    [
      'bits that bounds do not know',
      (b, h, q, kv) => (q ^ kv) < 100,
      [never, 'unknown: (q ^ kv) < 100, since nothing is known of q ^ kv'],
    ],
    [
      'what is everything in every block',
      (b, h, q, kv) => ((q * 5 + kv * 3) & 7) !== 1,
      [never, 'unknown: (((q * 5) + (kv * 3)) & 7) !== 1, since both may be in every block'],
    ],
    [
      'a part that is unknown beside one that is not',
      (b, h, q, kv, c, info) => q >= kv && info.kvRow > 7,
      [
        'yes: of 64 blocks of 128 × 128, 28 are known to be empty and 0 to be full',
        'unknown: 7 < info.kvRow, since both may be in every block',
      ],
    ],
  ])('%s', ([, mask, said]) => {
    expect(pruningOf(mask)).toEqual(said);
  });

  it('and of a score mod nothing', () => {
    expect(sectionOf(compileMod((s: number) => s * s).explain(), 'prunes')).toEqual([]);
  });
});
