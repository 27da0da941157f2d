import { type KernelSource, memoized, roundF16, sections, wgsl } from '@heed/core/kernel';
import { blockRangeWgsl, tileClasses } from '../parts/block-range.wgsl.ts';
import { allHooks, hasBlocks } from '../parts/hook.ts';
import { addressingWgsl } from '../parts/key-addressing.wgsl.ts';
import { lengthsWgsl } from '../parts/lengths.wgsl.ts';
import { blockParams, blocksWgsl } from '../parts/mask-blocks.wgsl.ts';
import { forwardParams, none, type ParamField, paramsStruct } from '../parts/params.ts';
import { diagonalWgsl, rowsWgsl, workWgsl } from '../parts/query-rows.wgsl.ts';
import { readElement, readWgsl, writeElement, writeWgsl } from '../parts/row-access.wgsl.ts';
import { variantWgsl } from '../parts/score-chain.wgsl.ts';
import { epilogueWgsl, softmaxWgsl } from '../parts/softmax.wgsl.ts';
import { type ForwardConfig, forwardKey } from '../tiles/kernel-config.ts';
import { matrixMain } from '../tiles/matrix-forward.wgsl.ts';
import { portableMain } from '../tiles/portable-forward.wgsl.ts';
import { subgroupMain } from '../tiles/subgroup-forward.wgsl.ts';
import { enables, tileShape } from '../tiles/tile.ts';

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

/** The entry point of a kernel. */
function tileMain(config: ForwardConfig): string {
  const { tile } = config;
  if (tile.path === 'portable') return portableMain(config, tile);
  return tile.path === 'subgroup' ? subgroupMain(config, tile) : matrixMain(config, tile);
}
