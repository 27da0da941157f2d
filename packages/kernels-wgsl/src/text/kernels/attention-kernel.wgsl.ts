import { blockRangePart, tileClasses } from '../parts/block-range.wgsl.ts';
import { cascadePart, type CascadePass } from '../parts/cascade.wgsl.ts';
import { hasBlocks } from '../parts/hook.ts';
import {
  type AnyPart,
  composeKernel,
  type ComposedKernel,
  type StorageBinding,
} from '../parts/kernel-parts.ts';
import { addressingPart } from '../parts/key-addressing.wgsl.ts';
import type { FloatType, TileShape } from '../parts/kinds.ts';
import { lengthsPart } from '../parts/lengths.wgsl.ts';
import { blocksPart } from '../parts/mask-blocks.wgsl.ts';
import { none, u32Fields } from '../parts/params.ts';
import {
  diagonalPart,
  rowOffsetPart,
  rowsPart,
  splitRowOffsetPart,
  workPart,
} from '../parts/query-rows.wgsl.ts';
import { loopFields } from '../parts/repeat.ts';
import { readElement, readPart } from '../parts/row-access.wgsl.ts';
import { variantPart } from '../parts/score-chain.wgsl.ts';
import { selectedPart } from '../parts/selected-keys.wgsl.ts';
import { softmaxWgsl } from '../parts/softmax.wgsl.ts';
import type { BackwardConfig, ForwardConfig } from '../tiles/kernel-config.ts';
import { enables } from '../tiles/tile-paths.ts';

/** The differences between forward and backward kernels: their outputs, and their use of the scores of a tile. */
export interface AttentionKernel {
  readonly pass: 'forward' | 'backward';
  /** Canonical name of the config. */
  readonly key: string;
  readonly shape: TileShape;
  readonly resultType: FloatType;
  /** Inputs besides q, k, v and the tables. */
  readonly inputs: readonly StorageBinding[];
  readonly outputs: readonly StorageBinding[];
  /** Parts that read those inputs and write the outputs. */
  readonly access: readonly AnyPart[];
  readonly compute: readonly AnyPart[];
  /** The entry point. */
  readonly main: string;
}

/** Composes a kernel over tiles of scores. Each part is one concern; forward and backward kernels share this list of parts. */
export function attentionKernel(
  config: ForwardConfig | BackwardConfig,
  own: AttentionKernel,
): ComposedKernel {
  const { qType, kvType, headDim, headDimV, lengths, keys, selectedBlock, read, hooks } = config;
  const vType = ('vType' in config && config.vType) || kvType;
  const isSelected = selectedBlock > 0;
  const isShared = 'sharedKv' in config && config.sharedKv;
  const cascade = 'cascade' in config ? config.cascade : undefined;
  const { tileM, tileN } = own.shape;
  return composeKernel({
    label: `heed/${own.pass} ${own.key}`,
    head: [enables(config.tile, own.resultType, config.write), `// ${own.key}`, none, tileClasses],
    // All kernels of one pass have the same bindings in every package; a binding that a config does not use gets a placeholder.
    bindings: [
      { name: 'q', kind: 'read', element: readElement(qType, read) },
      { name: 'k', kind: 'read', element: readElement(kvType, read) },
      { name: 'v', kind: 'read', element: readElement(vType, read) },
      ...own.inputs,
      { name: 'metadata', kind: 'read', element: 'i32' },
      maskBinding(isSelected, cascade?.pass),
      { name: 'captures', kind: 'read', element: 'u32' },
      ...own.outputs,
    ],
    parts: [
      lengthsPart(lengths, keys),
      workPart(lengths, config.rows, tileM, isSelected, cascade?.pass),
      diagonalPart,
      rowsPart(lengths, config.rows, hooks, cascade?.pass),
      rowOffsetPart('q', lengths),
      splitRowOffsetPart('lse_index', 'lse', lengths),
      addressingPart(lengths, keys, isShared ? ['k'] : undefined),
      readPart('q', qType, read, headDim),
      readPart('k', kvType, read, headDim),
      !isShared && readPart('v', vType, read, headDimV),
      ...own.access,
      softmaxWgsl('two'),
      isSelected && selectedPart(lengths, selectedBlock),
      cascade && cascadePart(cascade, headDimV),
      blockRangePart(config.rows, hooks, tileN, isSelected, cascade?.pass),
      hasBlocks(hooks) && blocksPart(lengths),
      variantPart(hooks, isSelected),
      ...own.compute,
      { fields: [...u32Fields('units', 'group'), ...loopFields], text: own.main },
    ],
  });
}

/** Returns the binding between the lengths and the captures. */
function maskBinding(isSelected: boolean, pass: CascadePass | undefined): StorageBinding {
  if (isSelected) return { name: 'selected', kind: 'read', element: 'i32' };
  const name = pass === 'prefix' ? 'shared_rows' : pass === 'suffix' ? 'states' : 'block_mask';
  return { name, kind: 'read', element: 'u32' };
}
