import { type KernelSource, memoized, roundF16, sections, wgsl } from '@heed/core/kernel';
import { blockRangeWgsl, tileClasses } from '../parts/block-range.wgsl.ts';
import { allHooks, hasBlocks } from '../parts/hook.ts';
import { addressingWgsl } from '../parts/key-addressing.wgsl.ts';
import type { KeyKind, LengthKind } from '../parts/kinds.ts';
import { keyList, lengthsWgsl, packedWorkWgsl } from '../parts/lengths.wgsl.ts';
import { blockParams, blocksWgsl } from '../parts/mask-blocks.wgsl.ts';
import { none, type ParamField, paramsStruct, u32Fields } from '../parts/params.ts';
import { diagonalWgsl, rowsWgsl, workWgsl } from '../parts/query-rows.wgsl.ts';
import { readElement, readWgsl, writeElement, writeWgsl } from '../parts/row-access.wgsl.ts';
import { gradientWgsl, variantWgsl } from '../parts/score-chain.wgsl.ts';
import { softmaxWgsl } from '../parts/softmax.wgsl.ts';
import { collectParams, collectWgsl } from '../parts/table-sums.wgsl.ts';
import { type BackwardConfig, backwardKey } from '../tiles/kernel-config.ts';
import { portableBackward } from '../tiles/portable-backward.wgsl.ts';
import { subgroupBackward } from '../tiles/subgroup-backward.wgsl.ts';
import { backwardShape, enables } from '../tiles/tile.ts';

/** As the forward kernel's, but for `dout`, the two gradients of keys, and the row states in the lengths' buffer. */
const params: readonly ParamField[] = [
  ...u32Fields('units', 'tiles', 'splits'),
  ...u32Fields('batch', 'group', 'seqlen_q', 'seqlen_k'),
  ...['q', 'k', 'v', 'dout', 'out', 'dk', 'dv'].flatMap((name) =>
    u32Fields(...['offset', 'batch', 'head', 'row', 'dim'].map((axis) => `${name}_${axis}`)),
  ),
  ...u32Fields(
    'out_split',
    'lse_offset',
    'lse_batch',
    'lse_head',
    'lse_row',
    'lse_split',
    'state_plane',
  ),
  ...u32Fields('cu_q', 'cu_k', 'used_k', 'table', 'table_row', 'pages', 'page_size', 'align_end'),
  ...u32Fields('q_vecs', 'v_vecs', 'chunk_vecs', 'q_chunks', 'v_chunks', 'key_turns'),
  { name: 'scale', type: 'f32' },
];

export function backwardFields({ hooks, of }: BackwardConfig): readonly ParamField[] {
  const blocks = hasBlocks(hooks) ? blockParams : [];
  const slopes = hooks.scores.flatMap(({ gradient }) => gradient?.params ?? []);
  const collected = of === 'tables' ? collectParams(hooks.scores.at(-1)!) : [];
  const own = allHooks(hooks).flatMap((hook) => hook.params);
  return [...params, ...blocks, ...own, ...slopes, ...collected];
}

/** The backward kernel of a config, composed of the forward's parts. */
export const backwardSource: (config: BackwardConfig) => KernelSource = memoized(backwardKey, make);

function make(config: BackwardConfig): KernelSource {
  const { of, lengths, keys, hooks, read, qType, kvType, headDim, headDimV, resultType } = config;
  const { tileM, tileN } = backwardShape(config);
  const code = sections(
    enables(config.tile, resultType, config.write),
    `// ${backwardKey(config)}`,
    none,
    tileClasses,
    paramsStruct(backwardFields(config)),
    bindings(config),
    lengthsWgsl(lengths, keys),
    workWgsl(lengths, 'head', tileM),
    of === 'kv' ? keyWork(lengths, keys) : '',
    diagonalWgsl,
    rowsWgsl(lengths, 'head', hooks),
    doutOffset(lengths),
    of === 'kv' ? resultOffsets : '',
    addressingWgsl(lengths, keys),
    readWgsl('q', qType, read, headDim),
    readWgsl('k', kvType, read, headDim),
    readWgsl('v', kvType, read, headDimV),
    readWgsl('dout', qType, read, headDimV),
    resultType === 'f16' && of !== 'tables' ? roundF16 : '',
    of === 'tables' ? collectWgsl : '',
    ...writers(config),
    softmaxWgsl('two'),
    blockRangeWgsl('head', hooks, tileN),
    hasBlocks(hooks) ? blocksWgsl(lengths) : '',
    variantWgsl(hooks),
    ...hooks.scores.map(({ gradient }) => gradient?.wgsl),
    gradientWgsl(hooks),
    backwardMain(config),
  );
  return {
    label: `heed/backward ${backwardKey(config)}`,
    code: `${code}\n`,
    bindings: ['read', 'read', 'read', 'read', 'read', 'read', 'read', 'write', 'uniform'],
  };
}

function writers({ of, resultType, write, headDim, headDimV }: BackwardConfig): string[] {
  if (of === 'tables') return [];
  if (of === 'q') return [writeWgsl(resultType, write, headDim, 'dq')];
  return [
    writeWgsl(resultType, write, headDim, 'dk'),
    writeWgsl(resultType, write, headDimV, 'dv'),
  ];
}

// The slots of every backward kernel of every package.
function bindings({ of, qType, kvType, resultType, read, write }: BackwardConfig): string {
  const result = of === 'tables' ? 'atomic<u32>' : writeElement(resultType, write);
  return wgsl`
    @group(0) @binding(0) var<storage, read> q: array<${readElement(qType, read)}>;
    @group(0) @binding(1) var<storage, read> k: array<${readElement(kvType, read)}>;
    @group(0) @binding(2) var<storage, read> v: array<${readElement(kvType, read)}>;
    @group(0) @binding(3) var<storage, read> dout: array<${readElement(qType, read)}>;
    @group(0) @binding(4) var<storage, read> metadata: array<i32>;
    @group(0) @binding(5) var<storage, read> block_mask: array<u32>;
    @group(0) @binding(6) var<storage, read> captures: array<u32>;
    @group(0) @binding(7) var<storage, read_write> out: array<${result}>;
    @group(0) @binding(8) var<uniform> params: Params;
  `;
}

const doutOffset = (lengths: LengthKind): string => wgsl`
  fn dout_row_offset(row: Row) -> u32 {
    return params.dout_offset${lengths === 'dense' && ' + u32(row.batch) * params.dout_batch'} + u32(row.head) * params.dout_head + u32(row.q_row) * params.dout_row;
  }
`;

// One formula for every layout: dense keys have k_row 0, packed ones batch stride 0, paged ones a slot per sequence.
const resultOffset = (name: string): string => wgsl`
  fn ${name}_row_offset(seq: Sequence, head: u32, key: u32) -> u32 {
    return params.${name}_offset + seq.index * params.${name}_batch + head * params.${name}_head + (seq.k_row + key) * params.${name}_row;
  }
`;

const resultOffsets = sections(resultOffset('dk'), resultOffset('dv'));

/** Which key tile a workgroup works on. */
function keyWork(lengths: LengthKind, keys: KeyKind): string {
  const isPacked = lengths === 'varlen' && keys === 'strided';
  return wgsl`
    struct KeyWork {
      seq: Sequence,
      // kv head
      head: u32,
      first_key: u32,
    }

    ${isPacked ? packedKeys : evenKeys}
  `;
}

const evenKeys = wgsl`
  fn find_keys(unit: u32) -> KeyWork {
    let per_sequence = (params.seqlen_k + TILE_N - 1u) / TILE_N;
    let tile = unit % params.tiles;
    return KeyWork(sequence(tile / per_sequence), unit / params.tiles, tile % per_sequence * TILE_N);
  }
`;

// Sequences whose lists lie may have keys in common; each key's gradient is written once all the same.
const packedKeys = wgsl`
  ${packedWorkWgsl('key_rows', keyList, (rows) => `${rows} / TILE_N`)}

  fn find_keys(unit: u32) -> KeyWork {
    let tile = unit % params.tiles;
    let keys = find_key_rows(tile);
    var seq = sequence(keys.index);
    seq.k_row = keys.begin;
    seq.k_len = min(seq.k_len, keys.end - keys.begin);
    return KeyWork(seq, unit / params.tiles, (tile - keys.first_tile) * TILE_N);
  }
`;

/** The entry point of a backward kernel. */
function backwardMain(config: BackwardConfig): string {
  const { tile } = config;
  return tile.path === 'portable'
    ? portableBackward(config, tile, backwardShape(config))
    : subgroupBackward(config, tile);
}
