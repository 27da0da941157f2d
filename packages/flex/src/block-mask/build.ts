import { type Gpu, LimitError } from '@heed/core';
import { assertUsable, knownList } from '@heed/core/kernel';
import { fail } from '@heed/kernels-wgsl/variant';
import { boundMod } from '../attention/bound-mod.ts';
import { compileFor } from '../attention/compiled-hook.ts';
import { functionOf, type PrecompiledMod } from '../compile/precompiled.ts';
import { inputsOf } from '../ir/depends.ts';
import type { Input } from '../ir/node.ts';
import { classifyBlocks, type Match } from './classes.ts';
import { blockLayout, layoutWords } from './layout.ts';
import type { AnyBlockMaskOptions } from './options.ts';
import type { BlockMaskParts } from './parts.ts';
import { type BlockProblem, blockProblem } from './problem.ts';

/** Compiles the mask and classifies its blocks, in the name of a public function. */
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

/** Which physical row a paged key has is up to a table, which is not compared. */
function matchOf({ keys }: BlockProblem, inputs: ReadonlySet<Input>): Match {
  if (!inputs.has('qRow') && !inputs.has('kvRow')) return 'lengths';
  return keys === 'paged' && inputs.has('kvRow') ? 'never' : 'begins';
}

function missing(fn: string, name: string, input: string, what: string): never {
  const fix = `Pass ${name}, the number of ${what}.`;
  return fail(fn, `${name} is required, since the mask depends on ${input}`, 'undefined', fix);
}

function checkSize(fn: string, gpu: Gpu, bytes: number): void {
  const { maxStorageBufferBindingSize: most } = gpu.device.limits;
  if (bytes <= most) return;
  throw new LimitError(
    `${fn}: the blocks must fit one binding of ${most} bytes; they take ${bytes}. Use a larger blockSize.`,
  );
}

/** Lists of the host may be written again by their owner, as may those on the GPU of which the host knows what they hold. */
function snapshot(problem: BlockProblem): BlockProblem {
  const copies = Object.entries(problem.given).map(([name, list]) => [
    name,
    knownList(list)?.slice() ?? list,
  ]);
  return { ...problem, given: Object.fromEntries(copies) as BlockProblem['given'] };
}
