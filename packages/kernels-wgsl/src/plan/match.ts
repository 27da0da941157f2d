import { fail } from '@heed/core/kernel';
import type { ProblemFacts } from './problem.ts';

const MATCHED = ['dtype', 'kvDtype', 'headDim', 'headDimV', 'lengths', 'keys'] as const;

/**
 * A plan's kernel serves every size and every option value, but not another dtype, head dim, head ratio, layout or option
 * kind. `numSplits` is part of the plan; a run need not repeat it.
 */
export function checkMatch(
  fn: string,
  planned: ProblemFacts,
  got: ProblemFacts,
  numSplits: number | 'auto' | undefined,
): void {
  for (const name of MATCHED) differ(fn, name, planned[name], got[name]);
  differ(fn, 'hooks', planned.hooks.key, got.hooks.key);
  differ(fn, 'query heads per kv head', headRatio(planned), headRatio(got));
  differ(fn, 'numSplits', planned.numSplits, numSplits ?? planned.numSplits);
}

function differ(fn: string, name: string, planned: unknown, got: unknown): void {
  if (Object.is(planned, got)) return;
  const fix = 'Make a plan for this problem.';
  fail(fn, `this plan was made for ${name} = ${String(planned)}`, String(got), fix);
}

function headRatio({ qHeads, kvHeads }: ProblemFacts): number {
  return qHeads / kvHeads;
}
