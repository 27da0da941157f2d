import type { Gpu, PagedKvView, Tensor } from '@heed/core';
import { checkTensor } from '@heed/core/kernel';
import type { VarlenOptions } from '@heed/kernels-wgsl';
import {
  type BoundHook,
  type Call,
  denseCall,
  fail,
  isView,
  show,
  varlenCall,
  viewCall,
} from '@heed/kernels-wgsl/variant';
import { blockMaskHook, checkBlockMask } from '../block-mask/hook.ts';
import { isBlockMask } from '../block-mask/parts.ts';
import { boundMod } from './bound-mod.ts';
import { compileFor, type Role } from './compiled-hook.ts';
import type { AnyFlexOptions, BuiltInVariants } from './options.ts';

/** Checks a call of any layout, (q, k, v, options) or (q, view, options), and compiles its mods or finds them compiled. */
export function flexCall(
  fn: string,
  q: Tensor,
  k: Tensor | PagedKvView,
  ...rest: readonly [v: Tensor | object, options?: object]
): Call {
  const [v, given] = isView(k) ? [undefined, rest[0]] : rest;
  return checkedCall(fn, q, k, v as Tensor | undefined, given as AnyFlexOptions);
}

function checkedCall(
  fn: string,
  q: Tensor,
  k: Tensor | PagedKvView,
  v: Tensor | undefined,
  options: AnyFlexOptions,
): Call {
  checkFlexOptions(fn, options);
  const { gpu } = checkTensor(fn, 'q', q, { rank: [3, 4] });
  const hooks = flexHooks(fn, gpu, options);
  const call = layoutCall(fn, q, k, v, options, hooks);
  if (options.blockMask) checkBlockMask(call, options.blockMask);
  return call;
}

function layoutCall(
  fn: string,
  q: Tensor,
  k: Tensor | PagedKvView,
  v: Tensor | undefined,
  options: AnyFlexOptions,
  hooks: readonly BoundHook[],
): Call {
  if (isView(k)) return viewCall(fn, q, k, options as VarlenOptions, hooks);
  if (q.shape.length === 3) return varlenCall(fn, q, k, v!, options as VarlenOptions, hooks);
  if (options.cuSeqlensQ !== undefined) {
    const fix = 'Pass packed tensors [T, H, D], or seqUsedK for padded ones.';
    fail(fn, 'q must have rank 3 where there is cuSeqlensQ', 'rank 4', fix);
  }
  return denseCall(fn, q, k, v!, options, hooks);
}

/** The hooks that the options stand for, in the order in which they apply. */
export function flexHooks(fn: string, gpu: Gpu, options: AnyFlexOptions): BoundHook[] {
  const { scoreMod, maskMod, blockMask, captures } = options;
  const bound = (role: Role, mod: Function): BoundHook =>
    boundMod(fn, gpu, role, compileFor(fn, role, mod, captures));
  return [
    ...(scoreMod ? [bound('score', scoreMod)] : []),
    ...(blockMask ? [blockMaskHook(fn, gpu, blockMask)] : []),
    ...(maskMod ? [bound('mask', maskMod)] : []),
  ];
}

const remedies: Record<BuiltInVariants | 'alibi', string> = {
  causal: 'Pass maskMod: causal from @heed/flex/masks',
  window: 'Pass maskMod: bind(slidingWindow, { window }) from @heed/flex/masks',
  softcap: 'Pass scoreMod: bind(softcap, { cap }) from @heed/flex/mods',
  alibiSlopes: 'Pass scoreMod: bind(alibi, { slopes }) from @heed/flex/mods',
  alibi: 'Pass scoreMod: bind(alibi, { slopes }) from @heed/flex/mods',
};

export function checkFlexOptions(fn: string, options: AnyFlexOptions): void {
  if (options === null || typeof options !== 'object') {
    fail(fn, 'options must be an object', show(options), 'Pass {} for plain attention.');
  }
  for (const [name, remedy] of Object.entries(remedies)) {
    const given = (options as Record<string, unknown>)[name];
    if (given === undefined) continue;
    fail(fn, `${name} is an option of attention()`, show(given), `${remedy}, or call attention().`);
  }
  for (const name of ['scoreMod', 'maskMod'] as const) {
    const mod: unknown = options[name];
    if (mod === undefined || typeof mod === 'function') continue;
    fail(fn, `${name} must be a function`, show(mod), 'Leave it out for none.');
  }
  const { blockMask } = options as { readonly blockMask?: unknown };
  if (blockMask !== undefined && !isBlockMask(blockMask)) {
    const fix = 'Make it with createBlockMask(), or pass a function as maskMod.';
    fail(fn, 'blockMask must be a BlockMask', show(blockMask), fix);
  }
}
