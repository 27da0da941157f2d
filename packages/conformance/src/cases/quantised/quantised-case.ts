import { pagedProblem, type PagedSpec, quantised } from '../../problems/build-problem.ts';
import { launch, type LaunchOptions } from '../../problems/launch-problem.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import type { QuantFormat } from '../../reference/stored-rows.ts';
import { type CaseSpec, defineCase, type RunnableCase } from '../shared/case.ts';
import { isRightInPages } from '../shared/expected-results.ts';

export const formats: readonly QuantFormat[] = ['int8', 'int4'];

/** Many query rows or few: the prefill kernel, or the decode kernel, which splits the keys. */
export type Rows = 'prefill' | 'decode';

/** Splits and query lengths that select the one kernel or the other. */
export const rowKinds: Readonly<
  Record<Rows, { readonly numSplits: number; readonly qLens: readonly number[] }>
> = {
  prefill: { numSplits: 1, qLens: [17, 1, 40, 0, 9] },
  decode: { numSplits: 3, qLens: [1, 1, 2, 0, 1] },
};

/** Builds a problem over quantised pages, with poison in the rows that no sequence uses: a scale of NaN by default. */
export function inPages(
  spec: PagedSpec,
  format: QuantFormat,
  poison: number = NaN,
): ReferenceProblem {
  return poisonUnused(quantised(pagedProblem(spec), format), poison);
}

type Build = (dtype: FloatDType) => Readonly<Record<string, ReferenceProblem>>;

/** Declares a case of several problems that share a kernel. Each has the usual budget of the values that its integers represent. */
export function integerCase(
  group: string,
  name: string,
  problems: Build,
  options: LaunchOptions,
  spec: Omit<CaseSpec, 'run'> = {},
): RunnableCase[] {
  return defineCase(group, name, {
    ...spec,
    async run(gpu, dtype) {
      const checks = [];
      for (const [label, problem] of Object.entries(problems(dtype)))
        checks.push(
          ...isRightInPages(gpu, label, await launch(gpu, problem, dtype, options), problem, dtype),
        );
      return checks;
    },
  });
}
