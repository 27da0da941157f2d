import type { KernelSource } from '@heed/core/kernel';
import { memoized, sections, wgsl } from '@heed/core/kernel';
import { type ForwardConfig, forwardKey } from '../../config/forward.ts';
import { allHooks, hasBlocks } from '../../hooks/contract.ts';
import { tileMain, tileShape } from '../../tiles/compute.ts';
import { addressingWgsl } from '../../wgsl/addressing.wgsl.ts';
import { blockParams, blocksWgsl } from '../../wgsl/blocks.wgsl.ts';
import { blockRangeWgsl } from '../../wgsl/block-range.wgsl.ts';
import { none, tileClasses } from '../../wgsl/constants.wgsl.ts';
import { enables } from '../../wgsl/enables.ts';
import { epilogueWgsl } from '../../wgsl/epilogue.wgsl.ts';
import { lengthsWgsl } from '../../wgsl/lengths.wgsl.ts';
import { forwardParams, type ParamField, paramsStruct } from '../../wgsl/params.ts';
import { readElement, readWgsl } from '../../wgsl/read.wgsl.ts';
import { diagonalWgsl } from '../../wgsl/row.wgsl.ts';
import { rowsWgsl } from '../../wgsl/rows.wgsl.ts';
import { softmaxWgsl } from '../../wgsl/softmax.wgsl.ts';
import { variantWgsl } from '../../wgsl/variant.wgsl.ts';
import { workWgsl } from '../../wgsl/work.wgsl.ts';
import { roundF16, writeElement, writeWgsl } from '../../wgsl/write.wgsl.ts';

/** The uniform block of a config: what every kernel is told, then what its hooks ask for. */
export function forwardFields(config: ForwardConfig): readonly ParamField[] {
  const { hooks } = config;
  const blocks = hasBlocks(hooks) ? blockParams : [];
  return [...forwardParams, ...blocks, ...allHooks(hooks).flatMap((hook) => hook.params)];
}

/** The forward kernel of a config: every part is one concern, and this is the list of them. */
export const forwardSource: (config: ForwardConfig) => KernelSource = memoized(forwardKey, make);

function make(config: ForwardConfig): KernelSource {
  const { tileM, tileN } = tileShape(config.tile);
  const code = sections(
    enables(config.tile, config.outType, config.write),
    `// ${forwardKey(config)}`,
    none,
    tileClasses,
    paramsStruct(forwardFields(config)),
    bindings(config),
    lengthsWgsl(config.lengths, config.keys),
    workWgsl(config.lengths, config.rows, tileM),
    diagonalWgsl,
    rowsWgsl(config.lengths, config.rows, config.hooks),
    addressingWgsl(config.lengths, config.keys),
    readWgsl('q', config.qType, config.read, config.headDim),
    readWgsl('k', config.kvType, config.read, config.headDim),
    readWgsl('v', config.kvType, config.read, config.headDimV),
    config.outType === 'f16' && roundF16,
    writeWgsl(config.outType, config.write, config.headDimV),
    softmaxWgsl('two'),
    blockRangeWgsl(config.rows, config.hooks, tileN),
    hasBlocks(config.hooks) ? blocksWgsl(config.lengths) : '',
    variantWgsl(config.hooks),
    epilogueWgsl,
    tileMain(config),
  );
  return {
    label: `heed/forward ${forwardKey(config)}`,
    code: `${code}\n`,
    bindings: ['read', 'read', 'read', 'read', 'read', 'read', 'write', 'write', 'uniform'],
  };
}

// The slots are the same for every kernel of every package; a slot that a config has no use for holds a placeholder.
function bindings({ qType, kvType, outType, read, write }: ForwardConfig): string {
  return wgsl`
    @group(0) @binding(0) var<storage, read> q: array<${readElement(qType, read)}>;
    @group(0) @binding(1) var<storage, read> k: array<${readElement(kvType, read)}>;
    @group(0) @binding(2) var<storage, read> v: array<${readElement(kvType, read)}>;
    @group(0) @binding(3) var<storage, read> metadata: array<i32>;
    @group(0) @binding(4) var<storage, read> block_mask: array<u32>;
    @group(0) @binding(5) var<storage, read> captures: array<u32>;
    @group(0) @binding(6) var<storage, read_write> out: array<${writeElement(outType, write)}>;
    @group(0) @binding(7) var<storage, read_write> lse: array<u32>;
    @group(0) @binding(8) var<uniform> params: Params;
  `;
}
