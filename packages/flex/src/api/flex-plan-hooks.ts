import type { KernelSource } from '@heed/core/kernel';
import type { MaskHook, ScoreHook } from '@heed/kernels-wgsl/variant';
import type { HookField } from '../text/backends/wgsl/hook-fields.ts';
import { partsOf } from '../host/block-mask-parts.ts';
import { summarySource } from '../text/kernels/table-summary.wgsl.ts';
import type { PrecompiledMod } from '../text/compile/precompiled.ts';
import {
  compileFor,
  hookOf,
  type Resolutions,
  type ResolvedMod,
  type Role,
} from '../host/compiled-hook.ts';
import type { AnyFlexOptions } from './flex-options.ts';

/** The hooks of a problem, which needs no data for them, and the kernels that prepare what they read. */
export function hooksOfProblem(
  fn: string,
  { scoreMod, maskMod, blockMask, captures }: AnyFlexOptions,
): { hooks: (ScoreHook | MaskHook)[]; sources: KernelSource[]; like: Resolutions } {
  const compiled = (role: Role, mod: Function | PrecompiledMod): [Role, ResolvedMod] => [
    role,
    compileFor(fn, role, mod, captures),
  ];
  const used: [Role, ResolvedMod][] = [
    ...(scoreMod ? [compiled('score', scoreMod)] : []),
    ...(blockMask ? [['block', partsOf(blockMask).compiled] as [Role, ResolvedMod]] : []),
    ...(maskMod ? [compiled('mask', maskMod)] : []),
  ];
  const hooks = used.map(([role, { mod }]) => hookOf(mod, role));
  const fields = hooks.flatMap(({ params }, i) => (used[i]![0] === 'mask' ? params : []));
  const dtypes = new Set(fields.flatMap(summarised));
  const like = Object.fromEntries(used.map(([role, { resolution }]) => [role, resolution]));
  return { hooks, sources: [...dtypes].map(summarySource), like };
}

const summarised = ({ source }: HookField): Parameters<typeof summarySource> | [] =>
  source.kind === 'summary' ? [source.slot.dtype] : [];
