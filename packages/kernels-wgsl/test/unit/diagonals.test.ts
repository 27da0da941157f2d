import { wgsl } from '@heed/core/kernel';
import { bareVars, unpairedBracket, untidiness } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { alibi } from '../../src/host/options/alibi-slopes.ts';
import { softcap } from '../../src/host/options/softcap-option.ts';
import { band } from '../../src/host/options/visible-band.ts';
import { backwardSource } from '../../src/text/kernels/backward.wgsl.ts';
import { forwardSource } from '../../src/text/kernels/forward.wgsl.ts';
import { type ScoreHook, variantHooks } from '../../src/text/parts/hook.ts';
import type { GradientOf, RowKind } from '../../src/text/parts/kinds.ts';
import type { TileConfig } from '../../src/text/tiles/tile-paths.ts';
import { distance } from './distance.ts';
import { plain } from './kernel-configs.ts';

const subgroup = (subgroupSize: number, rowsPerLane: number, keysPerLane: number) =>
  ({ path: 'subgroup', subgroupSize, rowsPerLane, keysPerLane, branches: false }) as const;

// Kernels are found by the names of their hooks.
const longer: ScoreHook = {
  ...distance,
  name: 'longer',
  wgsl: distance.wgsl.replaceAll('_distance(', '_longer('),
  isLong: true,
};

interface Case {
  readonly tile: TileConfig;
  readonly rows?: RowKind;
  readonly hook?: ScoreHook;
}

const hooksOf = ({ hook = distance }: Case) => variantHooks([softcap, hook, alibi, band]);

const forward = (given: Case): string =>
  forwardSource({ ...plain, ...given, hooks: hooksOf(given) }).code;

const backward = (of: GradientOf, tile: ReturnType<typeof subgroup>): string =>
  backwardSource({ ...plain, of, resultType: 'f32', hooks: hooksOf({ tile }), tile }).code;

/** Calls in the text, without the declaration. */
const calls = (code: string): number => code.match(/\bdiagonal_\w+\((?!row: Row)/g)!.length;

const registers = (code: string): number => new Set(code.match(/\bdiagonal0_\d+\b/g)).size;

describe('values by diagonal', () => {
  // A lane of 8 has rows 8 apart: 4 of them and 32 keys lie on 56 diagonals.
  it.for([
    { tile: subgroup(8, 4, 4), scores: 128, diagonals: 56, atOnce: 8 },
    { tile: subgroup(4, 4, 4), scores: 64, diagonals: 28, atOnce: 4 },
    { tile: subgroup(8, 4, 2), scores: 64, diagonals: 40, atOnce: 8 },
    { tile: subgroup(16, 2, 4), scores: 64, diagonals: 48, atOnce: 8 },
  ])('are computed once: $diagonals for $scores scores of $tile', ({ tile, ...has }) => {
    const codes = [forward({ tile }), backward('q', tile), backward('kv', tile)];
    for (const code of codes) {
      expect(calls(code)).toBe(has.atOnce);
      expect(registers(code)).toBe(has.diagonals);
      expect(code.match(/= mod_score\(/g)).toHaveLength(has.scores);
      expect([bareVars(code), untidiness(code), unpairedBracket(code)]).toEqual([
        [],
        [],
        undefined,
      ]);
    }
  });

  it('go with the scores on them', () => {
    const code = forward({ tile: subgroup(4, 2, 2) });
    const used = code.matchAll(/mod_score\(s(\d)_(\d), .*, diagonal0_(\d+)\)/g);
    const offsets = [...used].map(([, r, n, i]) => [4 * Number(r) - Number(n), Number(i)]);
    expect(offsets).toHaveLength(16);
    for (const [offset, i] of offsets) expect(i).toBe(offset! + 7);
    // The last turn computes the least ones: 4 · 1 − 4 + 1 − 4 · (3 − 1) = −7.
    expect(code).toContain('let offset = row0.query - i32(first_key) + 1 - i32(turn * 4u);');
    expect(code).toContain('turn < params.key_turns + 1u;');
  });

  it.for<Case & { readonly name: string; readonly count: number }>([
    { name: 'lanes with one row', tile: subgroup(8, 1, 4), count: 8 },
    { name: 'rows further apart than keys', tile: subgroup(32, 4, 4), count: 32 },
    { name: 'rows of several heads', tile: subgroup(8, 2, 4), rows: 'group', count: 16 },
    {
      name: 'scores in a loop',
      tile: subgroup(8, 4, 4),
      hook: longer,
      count: 32,
    },
    { name: 'a grid of threads', tile: { ...plain.tile }, count: 16 },
  ])('are computed for each score where nothing is shared: $name', ({ count, ...given }) => {
    const code = forward(given);
    expect(calls(code)).toBe(count);
    expect(registers(code)).toBe(0);
    expect(code).toMatch(
      /mod_score\(s0\S+, row0, (.+), diagonal_\w+\(row0, row0\.query - \(\1\)\)\)/,
    );
    expect([bareVars(code), untidiness(code), unpairedBracket(code)]).toEqual([[], [], undefined]);
  });

  it('are given to the hook that has them, and to its derivative', () => {
    const code = backward('q', subgroup(8, 4, 2));
    expect(code).toContain(wgsl`
      fn mod_score_derivative(dot_product: f32, row: Row, key: i32, diagonal0: f32) -> f32 {
        var score = dot_product;
        var score_derivative = 1.0;
        score_derivative *= score_derivative_softcap(score, row, key);
        score = score_softcap(score, row, key);
        score_derivative *= score_derivative_distance(score, row, key, diagonal0);
        score = score_distance(score, row, key, diagonal0);
        score_derivative *= score_derivative_alibi(score, row, key);
        score = score_alibi(score, row, key);
        return score_derivative;
      }
    `);
  });
});
