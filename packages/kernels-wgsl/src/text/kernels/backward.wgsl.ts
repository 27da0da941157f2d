import { isHalf, memoized, roundHalf, wgsl } from '@heed/core/kernel';
import type { AnyPart, ComposedKernel, KernelPart } from '../parts/kernel-parts.ts';
import type { KeyKind, LengthKind } from '../parts/kinds.ts';
import { keyList, packedWorkWgsl } from '../parts/packed-rows.wgsl.ts';
import { strideFields } from '../parts/params.ts';
import { rowOffsetPart, splitRowOffsetPart } from '../parts/query-rows.wgsl.ts';
import { readElement, readPart, writeElement, writePart } from '../parts/row-access.wgsl.ts';
import { gradientPart } from '../parts/score-chain.wgsl.ts';
import { collectPart } from '../parts/table-sums.wgsl.ts';
import { type AnyTile, type BackwardConfig, backwardKey } from '../tiles/kernel-config.ts';
import { matrixBackward } from '../tiles/matrix-backward.wgsl.ts';
import { portableBackward } from '../tiles/portable-backward.wgsl.ts';
import { subgroupBackward } from '../tiles/subgroup-backward.wgsl.ts';
import { backwardShape } from '../tiles/tile-paths.ts';
import { attentionKernel } from './attention-kernel.wgsl.ts';

interface BackwardPath {
  main(config: BackwardConfig, tile: AnyTile): string;
}

/** Backward kernels of the tile paths. They are separate from `tilePaths`, so that a bundle of the forward pass contains none. */
const backwardPaths: Readonly<Record<string, BackwardPath>> = {
  matrix: { main: matrixBackward },
  subgroup: { main: subgroupBackward },
  portable: { main: portableBackward },
};

/** Returns the entry point of a backward kernel. */
function backwardMain(config: BackwardConfig): string {
  return backwardPaths[config.tile.path]!.main(config, config.tile);
}

/** Returns the backward kernel of a config. It writes dq, or dk and dv, or adds to the sums of table gradients. */
export const backwardSource: (config: BackwardConfig) => ComposedKernel = memoized(
  backwardKey,
  (config) => {
    const { of, lengths, keys, hooks, read, qType, headDimV, resultType, write } = config;
    const result = of === 'tables' ? 'atomic<u32>' : writeElement(resultType, write);
    return attentionKernel(config, {
      pass: 'backward',
      key: backwardKey(config),
      shape: backwardShape(config),
      resultType,
      inputs: [{ name: 'dout', kind: 'read', element: readElement(qType, read) }],
      outputs: [{ name: 'out', kind: 'write', element: result }],
      access: [
        rowOffsetPart('dout', lengths),
        readPart('dout', qType, read, headDimV),
        ...writers(config),
      ],
      compute: [of === 'kv' && keyWork(lengths, keys), gradientPart(hooks)],
      main: backwardMain(config),
    });
  },
);

/** Returns the parts that write a kernel's gradients. */
function writers(config: BackwardConfig): AnyPart[] {
  const { of, lengths, resultType, write, headDim, headDimV, hooks } = config;
  if (of === 'tables') return [collectPart(hooks, config.collects!)];
  const rounding = isHalf(resultType) && roundHalf(resultType);
  if (of === 'q') {
    const offset = splitRowOffsetPart('out_row_offset', 'out', lengths);
    return [offset, rounding, writePart(resultType, write, headDim, 'dq')];
  }
  return [
    resultOffset('dk'),
    resultOffset('dv'),
    rounding,
    writePart(resultType, write, headDim, 'dk', 'dk'),
    writePart(resultType, write, headDimV, 'dv', 'dv'),
  ];
}

// One formula serves every layout: k_row is 0 for dense keys, the batch stride is 0 for packed ones, and the gradients of
// paged keys have one batch entry per sequence.
const resultOffset = (name: string): KernelPart => ({
  fields: strideFields(name, 'offset', 'batch', 'head', 'row'),
  text: wgsl`
  fn ${name}_row_offset(seq: Sequence, head: u32, key: u32) -> u32 {
    return params.${name}_offset + seq.index * params.${name}_batch + head * params.${name}_head + (seq.k_row + key) * params.${name}_row;
  }
`,
});

/** Returns the part that assigns a key tile to a workgroup. */
function keyWork(lengths: LengthKind, keys: KeyKind): string {
  return wgsl`
    struct KeyWork {
      seq: Sequence,
      // kv head
      head: u32,
      first_key: u32,
    }

    ${keyTiles[lengths](keys)}
  `;
}

const evenKeys = wgsl`
  fn find_keys(unit: u32) -> KeyWork {
    let per_sequence = (params.seqlen_k + TILE_N - 1u) / TILE_N;
    let tile = unit % params.tiles;
    return KeyWork(sequence(tile / per_sequence), unit / params.tiles, tile % per_sequence * TILE_N);
  }
`;

// Lists on the GPU may assign the same keys to several sequences; each key's gradient must still be written only once.
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

const keyTiles: Readonly<Record<LengthKind, (keys: KeyKind) => string>> = {
  dense: () => evenKeys,
  varlen: (keys) => (keys === 'strided' ? packedKeys : evenKeys),
};
