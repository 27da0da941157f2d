import * as fc from 'fast-check';
import { alibi } from '../../../src/text/hooks/alibi.ts';
import { band } from '../../../src/text/hooks/band.ts';
import { variantHooks } from '../../../src/text/parts/hook.ts';
import { softcap } from '../../../src/text/hooks/softcap.ts';
import type { ProblemFacts } from '../../../src/select/problem-facts.ts';

/** A prefill over 8 query heads and 2 kv heads. */
export const facts: ProblemFacts = {
  dtype: 'f32',
  kvDtype: 'f32',
  headDim: 64,
  headDimV: 64,
  lengths: 'dense',
  keys: 'strided',
  qHeads: 8,
  kvHeads: 2,
  batch: 1,
  seqlenQ: 512,
  seqlenK: 512,
  hooks: variantHooks([band]),
  numSplits: 'auto',
};

const count = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
const dim = fc.integer({ min: 1, max: 256 });
const float = fc.constantFrom('f32' as const, 'f16' as const);

type Sizes = Pick<ProblemFacts, 'batch' | 'seqlenQ' | 'seqlenK'>;

/** What may select a kernel whatever `numSplits` is. */
export const kinds: fc.Arbitrary<Omit<ProblemFacts, keyof Sizes | 'numSplits'>> = fc
  .record({
    dtype: float,
    kvDtype: float,
    headDim: dim,
    headDimV: dim,
    layout: fc.constantFrom(
      { lengths: 'dense', keys: 'strided' } as const,
      { lengths: 'varlen', keys: 'strided' } as const,
      { lengths: 'varlen', keys: 'paged' } as const,
    ),
    kvHeads: fc.integer({ min: 1, max: 8 }),
    group: fc.integer({ min: 1, max: 16 }),
    hooks: fc.subarray([softcap, alibi, band]).map(variantHooks),
  })
  .map(({ layout, group, ...rest }) => ({ ...rest, ...layout, qHeads: rest.kvHeads * group }));

/** What differs from batch to batch. */
export const sizes: fc.Arbitrary<Sizes> = fc.record({
  batch: count(100_000),
  seqlenQ: count(2 ** 20),
  seqlenK: count(2 ** 29),
});

export const splitCounts: fc.Arbitrary<number> = fc.integer({ min: 1, max: 128 });
