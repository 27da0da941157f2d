import { type Gpu, LimitError, type Tensor } from '@heed/core';
import { assertUsable, knownList } from '@heed/core/kernel';
import { fail } from '@heed/kernels-wgsl/variant';
import { functionOf, type PrecompiledMod } from '../text/compile/precompiled.ts';
import type { Input } from '../text/ir/expression-node.ts';
import { inputsOf } from '../text/ir/traversal.ts';
import { classifyBlocks, type Match } from './block-classes.ts';
import type { AnyBlockMaskOptions } from './block-mask-options.ts';
import { blockLayout, type BlockView, layoutWords } from './block-planes.ts';
import { type BlockProblem, blockProblem } from './block-problem.ts';
import { boundMod } from './bound-mod.ts';
import { compileFor, type ResolvedMod } from './compiled-hook.ts';

/** The parts of a block mask. */
export interface BlockMaskParts {
  readonly gpu: Gpu;
  readonly problem: BlockProblem;
  readonly view: BlockView;
  readonly maskMod: Function;
  readonly captures: object | undefined;
  readonly compiled: ResolvedMod;
  /** Whether the blocks depend on the batch entry and on the head. */
  readonly dependsOn: { readonly b: boolean; readonly h: boolean };
  /** The tensors that are freed with the mask. */
  readonly owned: readonly Tensor[];
}

// Not fields of the class: a bundle with attention alone then leaves out the code that makes, reads and draws block masks.
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

/** Compiles the mask and classifies its blocks. Errors name the public function `fn`. */
export function buildBlockMask(
  fn: string,
  gpu: Gpu,
  given: Function | PrecompiledMod,
  o: AnyBlockMaskOptions,
): BlockMaskParts {
  assertUsable(gpu);
  const maskMod = functionOf(fn, given);
  const problem = snapshot(blockProblem(fn, gpu, o));
  const compiled = compileFor(fn, 'block', maskMod, o.captures);
  const inputs = inputsOf(compiled.mod.root);
  const isDense = problem.lengths === 'dense';
  if (isDense && inputs.has('b') && o.B === undefined) missing(fn, 'B', 'b', 'batch entries');
  if (inputs.has('h') && o.H === undefined) missing(fn, 'H', 'h', 'query heads');
  const dependsOn = {
    b: inputs.has('b') || problem.given.used !== undefined,
    h: inputs.has('h'),
  };
  const layout = blockLayout(problem, dependsOn);
  checkSize(fn, gpu, 4 * layoutWords(layout));
  const bound = boundMod(fn, gpu, 'mask', compiled);
  const view = classifyBlocks(gpu, problem, layout, bound, matchOf(problem, inputs));
  const { captures } = o;
  return { gpu, problem, view, maskMod, captures, compiled, dependsOn, owned: [view.words] };
}

/**
 * Returns which lengths must match for the blocks to be valid. The physical row of a paged key depends on the block table,
 * which is not compared.
 */
function matchOf({ keys }: BlockProblem, inputs: ReadonlySet<Input>): Match {
  if (!inputs.has('qRow') && !inputs.has('kvRow')) return 'lengths';
  return keys === 'paged' && inputs.has('kvRow') ? 'never' : 'begins';
}

function missing(fn: string, name: string, input: string, what: string): never {
  const fix = `Pass ${name}, the number of ${what}.`;
  return fail(fn, `${name} is required, since the mask depends on ${input}`, 'undefined', fix);
}

export function checkSize(fn: string, gpu: Gpu, bytes: number): void {
  const { maxStorageBufferBindingSize: most } = gpu.device.limits;
  if (bytes <= most) return;
  throw new LimitError(
    `${fn}: the blocks must fit one binding of ${most} bytes; they take ${bytes}. Use a larger blockSize.`,
  );
}

/** Copies the lists that the host knows: their owner may overwrite them later, on the host or on the GPU. */
function snapshot(problem: BlockProblem): BlockProblem {
  const copies = Object.entries(problem.given).map(([name, list]) => [
    name,
    knownList(list)?.slice() ?? list,
  ]);
  return { ...problem, given: Object.fromEntries(copies) as BlockProblem['given'] };
}
