import { expect, it } from 'vitest';
import { alibi } from '../../src/host/options/alibi-slopes.ts';
import { dropHook } from '../../src/host/options/dropout.ts';
import { headScale } from '../../src/host/options/scale.ts';
import { headSoftcap, softcap } from '../../src/host/options/softcap-option.ts';
import { band } from '../../src/host/options/visible-band.ts';
import { gatherSource } from '../../src/host/word-kernels.ts';
import { backwardSource } from '../../src/text/kernels/backward.wgsl.ts';
import { combineSource } from '../../src/text/kernels/combine.wgsl.ts';
import { forwardSource } from '../../src/text/kernels/forward.wgsl.ts';
import { deltaSource } from '../../src/text/kernels/row-states.wgsl.ts';
import { variantHooks } from '../../src/text/parts/hook.ts';
import type { BackwardConfig } from '../../src/text/tiles/kernel-config.ts';
import { distance } from './distance.ts';
import { matrixTile, plain, tileOf } from './kernel-configs.ts';

const half = { qType: 'f16', kvType: 'f16', outType: 'f16' } as const;

const plainBackward: BackwardConfig = { ...plain, of: 'q', resultType: 'f32' };

/** Read a change of these files like a change of code. */
const sources = {
  'forward-dense': forwardSource(plain),
  'forward-dense-unrolled': forwardSource({
    ...plain,
    headDim: 40,
    headDimV: 40,
    tile: tileOf({ path: 'portable', threadsM: 8, rowsPerThread: 2, unroll: true }),
  }),
  'forward-paged-group-f16': forwardSource({
    ...plain,
    ...half,
    outType: 'f32',
    lengths: 'varlen',
    keys: 'paged',
    rows: 'group',
    tile: tileOf({ path: 'portable', threadsM: 8, rowsPerThread: 1, unroll: false }),
  }),
  'forward-subgroup': forwardSource({
    ...plain,
    tile: tileOf({
      path: 'subgroup',
      subgroupSize: 4,
      rowsPerLane: 2,
      keysPerLane: 1,
      branches: false,
    }),
  }),
  'forward-varlen-hooks-scalar-f16': forwardSource({
    ...plain,
    ...half,
    headDim: 17,
    headDimV: 5,
    read: 'scalar',
    write: 'scalar',
    lengths: 'varlen',
    hooks: variantHooks([softcap, alibi, band]),
    tile: tileOf({ path: 'portable', threadsM: 8, rowsPerThread: 1, unroll: false }),
  }),
  'forward-pair-bf16': forwardSource({
    ...plain,
    qType: 'bf16',
    kvType: 'bf16',
    outType: 'bf16',
    headDimV: 6,
    read: 'scalar',
    write: 'pair',
  }),
  'forward-paged-int8': forwardSource({
    ...plain,
    qType: 'f16',
    kvType: 'int8',
    headDim: 17,
    headDimV: 17,
    read: 'scalar',
    write: 'scalar',
    lengths: 'varlen',
    keys: 'paged',
    tile: tileOf({ path: 'portable', threadsM: 8, rowsPerThread: 1, unroll: false }),
  }),
  'forward-subgroup-paged-int4': forwardSource({
    ...plain,
    kvType: 'int4',
    lengths: 'varlen',
    keys: 'paged',
    rows: 'group',
    tile: tileOf({
      path: 'subgroup',
      subgroupSize: 4,
      rowsPerLane: 1,
      keysPerLane: 2,
      branches: true,
    }),
  }),
  'forward-subgroup-diagonals': forwardSource({
    ...plain,
    hooks: variantHooks([distance, band]),
    tile: tileOf({
      path: 'subgroup',
      subgroupSize: 4,
      rowsPerLane: 1,
      keysPerLane: 2,
      branches: false,
    }),
  }),
  'forward-dropout': forwardSource({ ...plain, hooks: variantHooks([band, dropHook]) }),
  'forward-decode': forwardSource({
    ...plain,
    ...half,
    read: 'vec8',
    rows: 'group',
    tile: tileOf({ path: 'decode', rows: 4, lanes: 8, keysPerLane: 2, shuffled: 8 }),
  }),
  'forward-decode-shared': forwardSource({
    ...plain,
    headDim: 72,
    lengths: 'varlen',
    keys: 'paged',
    rows: 'group',
    sharedKv: true,
    tile: tileOf({ path: 'decode', rows: 2, lanes: 16, keysPerLane: 1, shuffled: 8 }),
  }),
  'forward-decode-paged-int8-hooks': forwardSource({
    ...plain,
    kvType: 'int8',
    headDim: 40,
    headDimV: 36,
    lengths: 'varlen',
    keys: 'paged',
    rows: 'group',
    hooks: variantHooks([softcap, alibi, band]),
    tile: tileOf({ path: 'decode', rows: 2, lanes: 8, keysPerLane: 2, shuffled: 4 }),
  }),
  'forward-integers-paged-int4': forwardSource({
    ...plain,
    kvType: 'int4',
    headDim: 40,
    headDimV: 32,
    lengths: 'varlen',
    keys: 'paged',
    rows: 'group',
    tile: tileOf({ path: 'integers', rows: 2, lanes: 8, keysPerLane: 2, shuffled: 4 }),
  }),
  'forward-matrix': forwardSource({
    ...plain,
    ...half,
    tile: tileOf({ ...matrixTile, M: 8, N: 8, K: 8, subgroupSize: 8, unroll: false }),
  }),
  'forward-matrix-two-passes': forwardSource({
    ...plain,
    ...half,
    tile: tileOf({ ...matrixTile, rowBlocks: 2, isPinned: true }),
  }),
  'forward-matrix-shared-rows': forwardSource({
    ...plain,
    ...half,
    tile: tileOf({ ...matrixTile, sharing: 2, keepsRows: false }),
  }),
  'forward-matrix-f32': forwardSource({
    ...plain,
    headDim: 17,
    headDimV: 5,
    read: 'scalar',
    write: 'scalar',
    tile: tileOf({ ...matrixTile, M: 8, N: 8, K: 8, components: 'f32', rowBlocks: 2 }),
  }),
  'forward-matrix-paged-hooks': forwardSource({
    ...plain,
    ...half,
    headDim: 40,
    headDimV: 36,
    lengths: 'varlen',
    keys: 'paged',
    rows: 'group',
    hooks: variantHooks([softcap, alibi, band]),
    tile: tileOf({ ...matrixTile, M: 8, N: 16, K: 16 }),
  }),
  'combine-splits': combineSource({
    headDimV: 64,
    partType: 'f32',
    outType: 'f16',
    read: 'vec4',
    write: 'vec4',
    source: 'splits',
  }),
  'combine-states': combineSource({
    headDimV: 64,
    partType: 'f32',
    outType: 'f32',
    read: 'vec4',
    write: 'vec4',
    source: 'states',
  }),
  'combine-pair': combineSource({
    headDimV: 5,
    partType: 'f16',
    outType: 'f16',
    read: 'scalar',
    write: 'pair',
    source: 'pair',
  }),
  gather: gatherSource,
  'backward-dq': backwardSource(plainBackward),
  'backward-dk-dv-subgroup': backwardSource({
    ...plainBackward,
    of: 'kv',
    tile: tileOf({
      path: 'subgroup',
      subgroupSize: 4,
      rowsPerLane: 1,
      keysPerLane: 1,
      branches: false,
    }),
  }),
  'backward-dk-dv-subgroup-diagonals': backwardSource({
    ...plainBackward,
    of: 'kv',
    hooks: variantHooks([distance, band]),
    tile: tileOf({
      path: 'subgroup',
      subgroupSize: 4,
      rowsPerLane: 1,
      keysPerLane: 2,
      branches: false,
    }),
  }),
  'backward-matrix-dq': backwardSource({
    ...plainBackward,
    ...half,
    resultType: 'f16',
    tile: tileOf({ ...matrixTile, unroll: false }),
  }),
  'backward-matrix-dk-dv-hooks': backwardSource({
    ...plainBackward,
    ...half,
    of: 'kv',
    resultType: 'f16',
    headDim: 40,
    headDimV: 36,
    hooks: variantHooks([softcap, band]),
    tile: tileOf({ ...matrixTile, M: 8, N: 8, sharing: 2, isPinned: true }),
  }),
  'backward-matrix-dk-dv-f32': backwardSource({
    ...plainBackward,
    ...half,
    of: 'kv',
    resultType: 'f16',
    lengths: 'varlen',
    keys: 'paged',
    tile: tileOf({
      ...matrixTile,
      M: 8,
      N: 8,
      K: 8,
      components: 'f32',
      keepsRows: false,
      unroll: false,
    }),
  }),
  'backward-tables-varlen': backwardSource({
    ...plainBackward,
    of: 'tables',
    lengths: 'varlen',
    hooks: variantHooks([softcap, alibi, band]),
    collects: [alibi],
    write: 'scalar',
  }),
  'backward-tables-learned': backwardSource({
    ...plainBackward,
    of: 'tables',
    hooks: variantHooks([headScale, headSoftcap, alibi, band]),
    collects: [headScale, headSoftcap, alibi],
    write: 'scalar',
  }),
  delta: deltaSource({ type: 'f32', headDimV: 64, read: 'vec4' }),
};

/** Kernels whose whole text is kept; of the others, the declarations that none before them has. */
const whole = ['forward-dense', 'backward-dq'];

const names = [...whole, ...Object.keys(sources).filter((name) => !whole.includes(name))];
const seen = new Set<string>();
const texts = names.map((name): [name: string, text: string] => {
  const { code } = sources[name as keyof typeof sources];
  // Top-level declarations stand apart by blank lines. Which fields `Params` has, params.test.ts says.
  const declarations = code.trimEnd().split(/\n\n(?=\S)/);
  const news = declarations.filter((one) => !seen.has(one) && !one.startsWith('struct Params'));
  for (const one of declarations) seen.add(one);
  return [name, whole.includes(name) ? code : `${news.join('\n\n')}\n`];
});

it.for(texts)('%s', async ([name, text]) => {
  await expect(text).toMatchFileSnapshot(`./__snapshots__/${name}.wgsl`);
});
