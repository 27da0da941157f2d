import type { Gpu, PagedKvView, Tensor } from '@heed/core';
import { checkTensor, isPagedView, type NamesOf, readOptions } from '@heed/core/kernel';
import type { VarlenOptions } from '@heed/kernels-wgsl';
import {
  type BoundHook,
  type Call,
  denseCall,
  fail,
  layoutNames,
  show,
  varlenCall,
  viewCall,
} from '@heed/kernels-wgsl/variant';
import { blockMaskHook, checkBlockMask } from '../host/block-mask-hook.ts';
import { isBlockMask } from '../host/block-mask-parts.ts';
import { boundMod } from '../host/bound-mod.ts';
import { compileFor, type Resolutions, type Role } from '../host/compiled-hook.ts';
import { isPrecompiled, type PrecompiledMod } from '../text/compile/precompiled.ts';
import { type AnyFlexOptions, flexNames, meantFlex } from './flex-options.ts';

/** The arguments of a call of any layout: (q, k, v, options) or (q, view, options). */
export type FlexArguments = readonly [
  q: Tensor,
  k: Tensor | PagedKvView,
  v?: Tensor | object,
  options?: object,
];

/** Checks a call of any layout, and compiles its mods if they are not compiled yet. */
export function flexCall(
  fn: string,
  [q, k, ...rest]: FlexArguments,
  names: NamesOf<AnyFlexOptions> = flexNames,
): Call {
  const [v, given] = isPagedView(k) ? [undefined, rest[0]] : rest;
  if (given === undefined && !isPagedView(k)) {
    fail(fn, 'options must be an object', 'undefined', 'Pass {} for plain attention.');
  }
  const options = readOptions(fn, given, names, meantFlex);
  return checkedCall(fn, q, k, v as Tensor | undefined, options);
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
  if (isPagedView(k)) return viewCall(fn, q, k, options, hooks);
  if (q.shape.length === 3) return varlenCall(fn, q, k, v!, options as VarlenOptions, hooks);
  for (const name of Object.keys(layoutNames) as (keyof typeof layoutNames)[]) {
    if (options[name] === undefined || name === 'seqUsedK') continue;
    const fix = 'Pass packed tensors [T, H, D], or seqUsedK for padded ones.';
    fail(fn, `q must have rank 3 where there is ${name}`, 'rank 4', fix);
  }
  return denseCall(fn, q, k, v!, options, hooks);
}

/**
 * Returns the hooks of the options, in their order of application.
 * @param like the resolutions that a plan was made for
 */
export function flexHooks(
  fn: string,
  gpu: Gpu,
  options: AnyFlexOptions,
  like: Resolutions = {},
): BoundHook[] {
  const { scoreMod, maskMod, blockMask, captures } = options;
  const bound = (role: Role, mod: Function | PrecompiledMod): BoundHook =>
    boundMod(fn, gpu, role, compileFor(fn, role, mod, captures, like[role]));
  return [
    ...(scoreMod ? [bound('score', scoreMod)] : []),
    ...(blockMask ? [blockMaskHook(fn, gpu, blockMask, like.block)] : []),
    ...(maskMod ? [bound('mask', maskMod)] : []),
  ];
}

export function checkFlexOptions(fn: string, options: AnyFlexOptions): void {
  for (const name of ['scoreMod', 'maskMod'] as const) {
    const mod: unknown = options[name];
    if (mod === undefined || typeof mod === 'function' || isPrecompiled(mod)) continue;
    fail(fn, `${name} must be a function`, show(mod), 'Leave it out for none.');
  }
  const { blockMask } = options as { readonly blockMask?: unknown };
  if (blockMask !== undefined && !isBlockMask(blockMask)) {
    const fix = 'Make it with createBlockMask(), or pass a function as maskMod.';
    fail(fn, 'blockMask must be a BlockMask', show(blockMask), fix);
  }
}
