import { describe, expect, test } from 'vitest';
import { parseAssembly } from '../../src/amd/control-flow.ts';
import { bytesOf, instructionsOf, multiplyAddsOf } from '../../src/amd/instruction.ts';
import { turnOf } from '../../src/amd/loop-turn.ts';
import { loadingOf, tileLoop, vectorCount, workOf } from '../../src/amd/tile-loop.ts';

const kindsOf = (...lines: string[]): string[] =>
  lines.flatMap(instructionsOf).map(({ kind }) => kind);

describe('an instruction', () => {
  test('is of the same kind on GCN and on RDNA', () => {
    expect(
      kindsOf('buffer_load_dwordx4 v[4:7], v1, s[0:3], 0 offen', 'buffer_load_b128 v[4:7], v1'),
    ).toEqual(['globalLoad', 'globalLoad']);
    expect(
      kindsOf('ds_read_b128 v[0:3], v1', 'ds_load_b128 v[0:3], v1', 'ds_write_b64 v1, v[2:3]'),
    ).toEqual(['ldsLoad', 'ldsLoad', 'ldsStore']);
    expect(kindsOf('v_mac_f32_e32 v0, v1, v2', 'v_fmac_f32_e32 v0, v1, v2')).toEqual([
      'multiplyAdd',
      'multiplyAdd',
    ]);
  });

  test('that multiplies integers, waits for an arithmetic unit or counts lanes is no multiply-add and no wait', () => {
    expect(
      kindsOf(
        'v_mad_u32_u24 v0, v1, v2, v3',
        's_waitcnt_depctr 0xfff',
        'v_mbcnt_lo_u32_b32 v1, -1, 0',
      ),
    ).toEqual(['integer', 'hint', 'lane']);
  });

  test('that only converts a half is no multiply-add', () => {
    expect(kindsOf('v_fma_mix_f32 v118, v115, 1.0, neg(0) op_sel_hi:[1,0,0]')).toEqual([
      'conversion',
    ]);
    expect(kindsOf('v_fma_mix_f32 v118, v115, v3, v118 op_sel_hi:[1,0,0]')).toEqual([
      'multiplyAdd',
    ]);
  });

  test('with two halves counts as two', () => {
    const dual = instructionsOf('v_dual_fmac_f32 v0, v1, v2 :: v_dual_mov_b32 v3, 0 ; c8c00501');
    expect(dual.map(({ kind }) => kind)).toEqual(['multiplyAdd', 'move']);
    expect(vectorCount(dual)).toBe(2);
  });

  test('does the multiply-adds of its name', () => {
    const work = (line: string, lanes = 64): number => workOf(instructionsOf(line), lanes);
    expect(work('v_fmac_f32_e32 v0, v1, v2')).toBe(1);
    expect(work('v_pk_fma_f16 v0, v1, v2, v0')).toBe(2);
    expect(work('v_dot4_i32_iu8 v0, v1, v2, v0')).toBe(4);
    expect(work('v_wmma_f32_16x16x16_f16 v[0:3], v[4:11], v[12:19], v[0:3]')).toBe(64);
    expect(work('v_wmma_f32_16x16x16_f16 v[0:7], v[8:15], v[16:23], v[0:7]', 32)).toBe(128);
    expect(multiplyAddsOf(instructionsOf('v_mul_f32_e32 v0, v1, v2')[0]!, 64)).toBe(0);
  });

  test.for([
    ['buffer_load_b64 v[0:1], v2', 8],
    ['buffer_load_dword v0, v2', 4],
    ['buffer_load_dwordx3 v[0:2], v3', 12],
    ['ds_load_2addr_b64 v[0:3], v4 offset1:1', 16],
    ['ds_read2_b32 v[0:1], v4 offset1:1', 8],
    ['ds_load_u16_d16_hi v0, v1', 2],
    ['buffer_load_ubyte v0, v1', 1],
  ] as const)('moves the bytes of its name: %s', ([line, bytes]) => {
    expect(bytesOf(instructionsOf(line)[0]!)).toBe(bytes);
  });

  test('that is not known is counted as such', () => {
    expect(kindsOf('exp mrt2 off, off, off, off')).toEqual(['unknown']);
  });
});

const loop = (compare: string, step: string, start = '', body = ''): string => `BB0:
\t${start || 's_nop 0'}
BB1:
\ts_waitcnt vmcnt(1)
\t${body || 'v_fmac_f32_e32 v9, v8, v7'}
\t${compare}
\t${step}
\ts_cbranch_scc0 BB1 ; bfa10001
BB2:
\ts_endpgm
`;

describe('a loop', () => {
  const trips = (text: string): (number | undefined)[] =>
    parseAssembly(text).loops.map((one) => one.trips);

  test.for([
    ['s_cmp_ge_u32 s14, 32', 's_add_u32 s14, s14, 8', 's_mov_b32 s14, 0', 4],
    ['s_cmp_eq_i32 s14, 0x80', 's_addk_i32 s14, 0x20', '', 4],
    [
      'v_cmp_le_u32_e32 vcc, 0x100, v109',
      'v_add_nc_u32_e32 v109, 64, v109',
      'v_mov_b32_e32 v109, v0',
      4,
    ],
    ['v_cmpx_gt_u32_e32 0x100, v1', 'v_add_u32_e32 v1, 0x40, v1', '', 4],
    ['v_cmp_lt_u32_e32 vcc, 3, v1', 'v_add_co_u32_e32 v1, vcc, 1, v1', '', 4],
    ['s_cmp_lt_u32 s3, 10', 's_add_u32 s3, s3, 2', 's_mov_b32 s3, 4', 3],
    // The count of a wait is no register v1.
    ['v_cmp_le_u32_e32 vcc, 0x100, v1', 'v_add_nc_u32_e32 v1, 64, v1', 's_waitcnt vmcnt(1)', 4],
    ['s_cmp_lg_i32 s3, 0', 's_add_i32 s3, s3, -1', 's_movk_i32 s3, 0x10', 16],
  ] as const)('turns as often as its constants say: %s, %s', ([compare, step, start, count]) => {
    expect(trips(loop(compare, step, start))).toEqual([count]);
  });

  test.for([
    ['an end in a register', loop('s_cmp_ge_u32 s14, s15', 's_add_u32 s14, s14, 1')],
    ['no step', loop('s_cmp_ge_u32 s14, 32', 's_nop 0')],
    [
      'a counter that something else writes',
      loop(
        's_cmp_ge_u32 s14, 32',
        's_add_u32 s14, s14, 1',
        '',
        's_load_b64 s[14:15], s[2:3], 0x10',
      ),
    ],
    [
      'a counter that wraps around',
      loop('s_cmp_eq_i32 s22, 0', 's_add_u32 s22, s22, -1', 's_mov_b32 s22, -1'),
    ],
  ] as const)('has no known number of turns with %s', ([, text]) => {
    expect(trips(text)).toEqual([undefined]);
  });
});

/** A loop over tiles (BB1 to BB6) with an inner loop of 4 turns, a branch of the whole wave and a way past everything. */
const tiles = `BB0:
\ts_mov_b32 s3, 0
BB1:
\ts_cmp_ge_u32 s0, s1
\ts_cbranch_scc1 BB7
BB2:
\tbuffer_load_b128 v[0:3], v9, s[4:7], 0 offen
\tbuffer_load_b128 v[4:7], v9, s[4:7], 0 offen offset:16
\ts_cmp_lg_i32 s9, 0
\ts_cbranch_scc0 BB6
BB3:
\ts_waitcnt vmcnt(1)
\tv_fmac_f32_e32 v20, v0, v1
\ts_waitcnt vmcnt(0)
\tv_fmac_f32_e32 v20, v4, v5
\ts_add_u32 s3, s3, 1
\ts_cmp_eq_i32 s3, 4
\ts_cbranch_scc0 BB3
BB4:
\ts_branch BB6
BB5:
\tv_mov_b32_e32 v0, 0
BB6:
\ts_add_u32 s0, s0, 1
\ts_branch BB1
BB7:
\tv_exp_f32_e32 v0, v0
\ts_endpgm
`;

describe('one turn of the loop over tiles', () => {
  const program = parseAssembly(tiles);
  const found = tileLoop(program, 64)!;

  test('is of the innermost loop of unknown length that does the work', () => {
    expect(program.blocks[found.loop.first]!.name).toBe('BB1');
    expect(program.loops.map(({ trips }) => trips)).toEqual([undefined, 4]);
  });

  test('has the turns of inner loops, and nothing that no branch leads to', () => {
    expect(workOf(found.turn, 64)).toBe(8);
    expect(found.turn.some(({ kind }) => kind === 'move')).toBe(false);
    expect(found.turn.some(({ kind }) => kind === 'transcendental')).toBe(false);
  });

  test('stops once for loads that are issued together', () => {
    expect(loadingOf(found.turn)).toEqual({ waits: 1, bytesInFlight: 32 });
  });

  test('stops for loads that the turn before issued', () => {
    const ahead = [
      's_waitcnt vmcnt(0)',
      'v_fmac_f32 v0, v1, v2',
      'buffer_load_b32 v1, v3, s[0:3], 0',
    ];
    expect(loadingOf(ahead.flatMap(instructionsOf))).toEqual({ waits: 1, bytesInFlight: 4 });
  });

  test('does not stop where the newest loads may still be on their way', () => {
    const lines = ['buffer_load_b32 v1, v3, s[0:3], 0', 's_waitcnt vmcnt(1)'];
    expect(loadingOf(lines.flatMap(instructionsOf))).toEqual({ waits: 1, bytesInFlight: 8 });
    const three = [
      ...lines.slice(0, 1),
      ...lines.slice(0, 1),
      ...lines.slice(0, 1),
      's_waitcnt vmcnt(9)',
    ];
    expect(loadingOf(three.flatMap(instructionsOf)).waits).toBe(0);
  });

  const turnWith = (between: string): string[] => {
    const text = tiles.replace('s_branch BB6\nBB5:\n\tv_mov_b32_e32 v0, 0', between);
    return turnOf(parseAssembly(text), found.loop, 64).map(({ op }) => op);
  };

  test('leaves out what a whole wave does in some turns only', () => {
    expect(turnWith('s_cbranch_scc1 BB6\nBB5:\n\tv_max_f32 v0, v1, v2')).not.toContain('v_max_f32');
  });

  test('has what some lanes do', () => {
    expect(turnWith('s_cbranch_execz BB6\nBB5:\n\tv_max_f32 v0, v1, v2')).toContain('v_max_f32');
  });

  test('has the way that loads or multiplies', () => {
    const load = 'buffer_load_b32 v0, v1, s[0:3], 0 offen';
    expect(turnWith(`s_cbranch_scc1 BB6\nBB5:\n\t${load}`)).toContain('buffer_load_b32');
    const work = 'v_fmac_f32 v0, v1, v2';
    expect(
      turnWith(`s_cbranch_vccz BB6\nBB5:\n\t${work}`).filter((op) => op === 'v_fmac_f32'),
    ).toHaveLength(9);
  });
});
