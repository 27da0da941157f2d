import type { Case } from '../../src/cases/shared/case.ts';

/** Cases that replace the first of their group: their kernels compile faster, or differ more from the kernels of other groups. */
const preferred: readonly string[] = [
  'backward-head-dims/dim-9x33/f16',
  'backward-score-mods/branches/dense/f32',
  'backward-zero-length/dense/lq-0/f32',
  'cache-append/int4-pages/dims-7x5/f32',
  'cache-pages/sharing/int8-pages/f32',
  'cache-rotary/f16-pages/half-split/f32',
  'flex-block-masks/by-batch-and-head/paged-decode/f32',
  'flex-library/absolute-bias/paged-decode/f32',
  'flex-score-mods/causal/dense-decode/f32',
  'flex-shapes/lengths-239x1/f32',
];

/** Cases of code that engines may compile differently: f16 in even rows, and in odd rows. */
const also = ['dtypes/f16-ties-to-even/f16', 'dtypes/every-half-in-odd-rows/f16'];

/** The ids of all cases that this file names. */
export const named: readonly string[] = [...preferred, ...also];

/** Returns one case per group, for browsers and in f32 if there is a choice, and `also`. */
export function quickCases<C extends Case>(all: readonly C[]): C[] {
  const groups = [...Map.groupBy(all, (c) => c.group).values()];
  const chosen = groups.map(
    (group) =>
      group.find((c) => preferred.includes(c.id)) ??
      group.find((c) => c.tags.includes('browser') && c.dtype === 'f32') ??
      group[0]!,
  );
  return all.filter((c) => chosen.includes(c) || also.includes(c.id));
}
