import type { Gpu } from '@heed/core';
import type { Check } from '../budget/output-checks.ts';
import type { FloatDType } from '../reference/number-types.ts';
import { launch } from '../problems/launch-problem.ts';
import type { Problem } from '../reference/reference-problem.ts';
import { isRight } from './expect.ts';

/** A problem against float64 with its keys in each of these numbers of splits. */
export async function rightInSplits(
  gpu: Gpu,
  problem: Problem,
  dtype: FloatDType,
  counts: readonly (number | 'auto')[],
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const numSplits of counts) {
    const got = await launch(gpu, problem, dtype, { numSplits });
    checks.push(...isRight(`numSplits=${numSplits}`, got, problem, dtype));
  }
  return checks;
}
