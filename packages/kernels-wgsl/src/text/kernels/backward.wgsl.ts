import { memoized, roundF16, wgsl } from '@heed/core/kernel';
import type { AnyPart, ComposedKernel, KernelPart } from '../parts/kernel-parts.ts';
import type { KeyKind, LengthKind } from '../parts/kinds.ts';
import { strideFields } from '../parts/params.ts';
import { readElement, readPart, writeElement, writePart } from '../parts/row-access.wgsl.ts';
import { rowLayouts } from '../parts/row-layouts.wgsl.ts';
import { gradientPart } from '../parts/score-chain.wgsl.ts';
import { collectPart } from '../parts/table-sums.wgsl.ts';
import { type AnyTile, type BackwardConfig, backwardKey } from '../tiles/kernel-config.ts';
import { portableBackward } from '../tiles/portable-backward.wgsl.ts';
import { subgroupBackward } from '../tiles/subgroup-backward.wgsl.ts';
import { backwardShape } from '../tiles/tile-paths.ts';
import { attentionKernel } from './attention-kernel.wgsl.ts';

interface BackwardPath {
  main(config: BackwardConfig, tile: AnyTile): string;
}

/** The backward kernels of the tile paths. They are apart from `tilePaths`, so that a bundle of the forward pass has none. */
const backwardPaths: Readonly<Record<string, BackwardPath>> = {
  subgroup: { main: subgroupBackward },
  portable: { main: portableBackward },
};

/** The entry point of a backward kernel. */
function backwardMain(config: BackwardConfig): string {
  return backwardPaths[config.tile.path]!.main(config, config.tile);
}

/** A backward kernel of a config: writes dq, or dk and dv, or adds to the sums of table gradients. */
export const backwardSource: (config: BackwardConfig) => ComposedKernel = memoized(
  backwardKey,
  (config) => {
    const { of, lengths, keys, hooks, read, qType, headDimV, resultType, write } = config;
    const result = of === 'tables' ? 'atomic<u32>' : writeElement(resultType, write);
    return attentionKernel(config, {
      pass: 'backward',
      key: backwardKey(config),
      rows: 'head',
      shape: backwardShape(config),
      resultType,
      inputs: [{ name: 'dout', kind: 'read', element: readElement(qType, read) }],
      outputs: [{ name: 'out', kind: 'write', element: result }],
      access: [doutOffset(lengths), readPart('dout', qType, read, headDimV), ...writers(config)],
      compute: [of === 'kv' && keyWork(lengths, keys), gradientPart(hooks)],
      main: backwardMain(config),
    });
  },
);

/** How a kernel writes its gradients. */
function writers({ of, resultType, write, headDim, headDimV, hooks }: BackwardConfig): AnyPart[] {
  if (of === 'tables') return [collectPart(hooks.scores.at(-1)!)];
  const rounding = resultType === 'f16' && roundF16;
  if (of === 'q') return [rounding, writePart(resultType, write, headDim, 'dq')];
  return [
    resultOffset('dk'),
    resultOffset('dv'),
    rounding,
    writePart(resultType, write, headDim, 'dk'),
    writePart(resultType, write, headDimV, 'dv'),
  ];
}

const doutOffset = (lengths: LengthKind): KernelPart => ({
  fields: strideFields('dout', 'offset', 'batch', 'head', 'row'),
  text: wgsl`
  fn dout_row_offset(row: Row) -> u32 {
    return params.dout_offset${rowLayouts[lengths].batchOffset('dout', 'u32(row.batch)')} + u32(row.head) * params.dout_head + u32(row.q_row) * params.dout_row;
  }
`,
});

// One formula for every layout: dense keys have k_row 0, packed ones batch stride 0, paged ones a slot per sequence.
const resultOffset = (name: string): KernelPart => ({
  fields: strideFields(name, 'offset', 'batch', 'head', 'row'),
  text: wgsl`
  fn ${name}_row_offset(seq: Sequence, head: u32, key: u32) -> u32 {
    return params.${name}_offset + seq.index * params.${name}_batch + head * params.${name}_head + (seq.k_row + key) * params.${name}_row;
  }
`,
});

/** Which key tile a workgroup works on. */
function keyWork(lengths: LengthKind, keys: KeyKind): string {
  return wgsl`
    struct KeyWork {
      seq: Sequence,
      // kv head
      head: u32,
      first_key: u32,
    }

    ${rowLayouts[lengths].keyTiles(keys)}
  `;
}
