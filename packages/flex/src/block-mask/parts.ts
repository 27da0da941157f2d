import type { Gpu, Tensor } from '@heed/core';
import type { ResolvedMod } from '../attention/compiled-hook.ts';
import type { BlockProblem } from './problem.ts';
import type { BlockView } from './view.ts';

/** What a block mask consists of. */
export interface BlockMaskParts {
  readonly gpu: Gpu;
  readonly problem: BlockProblem;
  readonly view: BlockView;
  readonly maskMod: Function;
  readonly captures: object | undefined;
  readonly compiled: ResolvedMod;
  /** Whether batch entries and heads have blocks of their own. */
  readonly dependsOn: { readonly b: boolean; readonly h: boolean };
  /** What is freed with it. */
  readonly owned: readonly Tensor[];
}

// Not fields of the class, so that attention alone does not bring in what makes, reads and draws block masks.
const known = new WeakMap<object, BlockMaskParts>();

export function setParts(mask: object, parts: BlockMaskParts): void {
  known.set(mask, parts);
}

export function partsOf(mask: object): BlockMaskParts {
  return known.get(mask)!;
}

export function isBlockMask(x: unknown): boolean {
  return known.has(x as object);
}
