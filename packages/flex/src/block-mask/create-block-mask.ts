import type { Gpu } from '@heed/core';
import { readOptions } from '@heed/core/kernel';
import type { PrecompiledMod } from '../compile/precompiled.ts';
import type { Captures, MaskMod, NeedsCaptures } from '../compile/types.ts';
import { BlockMask } from './block-mask.ts';
import { buildBlockMask } from './build.ts';
import { blockMaskNames, meantMask } from './option-names.ts';
import type { AnyBlockMaskOptions, BlockMaskOptions } from './options.ts';

/**
 * Finds the class of every block of a mask, on the GPU and from the mask's interval bounds: one thread per block, two bits
 * each. No array of Lq × Lk exists at any time, and nothing is read back. What bounds cannot tell is a partial block.
 * Rows of blocks count query rows i, columns keys j; the mask sees q = i + off, as in the attention.
 *
 * @param maskMod (b, h, q, kv, captures, info) => boolean
 * @param o the problem: { Lq, Lk } of dense tensors (with B and H where the mask depends on them), or the lengths of packed or
 *   paged ones. A snapshot: for other lengths make another, which compiles nothing. Attention refuses a stale one where the host
 *   knows the lengths; where only the GPU does, it asks maskMod itself about sequences that changed. Captured tables are not
 *   compared: after writing into one, make another mask.
 * @throws CompileError a mask that is not in the language
 * @throws ValidationError an option that does not fit, or B or H missing where the mask depends on b or h
 * @throws LimitError blocks that do not fit one binding
 * @example
 * const mask = createBlockMask(gpu, (b, h, q, kv) => q >= kv, { Lq: 4096, Lk: 4096 });
 * console.log(await mask.sparsity()); // 0.484375
 */
export function createBlockMask<C extends Captures = {}>(
  gpu: Gpu,
  maskMod: MaskMod<C> | PrecompiledMod,
  o: BlockMaskOptions<C> & NeedsCaptures<C>,
): BlockMask {
  const fn = 'createBlockMask';
  const options = readOptions(fn, o as AnyBlockMaskOptions, blockMaskNames, meantMask);
  return new BlockMask(buildBlockMask(fn, gpu, maskMod, options));
}
