import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alibi } from '../../../src/text/hooks/alibi.ts';
import { band } from '../../../src/text/hooks/band.ts';
import { variantHooks } from '../../../src/text/parts/hook.ts';
import { type AttentionProblem, factsOfProblem } from '../../../src/plan/attention-problem.ts';
import { problemKey } from '../../../src/select/problem-facts.ts';
import { facts, kinds, sizes, splitCounts } from './facts.ts';

const rows = fc.constantFrom('head' as const, 'group' as const);

describe('the key of a problem with a fixed numSplits', () => {
  it('holds no batch size, no length and no number of heads', () => {
    const property = fc.property(
      kinds,
      splitCounts,
      rows,
      sizes,
      sizes,
      (k, numSplits, r, a, b) => {
        const one = problemKey({ ...k, ...a, numSplits }, r);
        expect(problemKey({ ...k, ...b, numSplits }, r)).toBe(one);
        const more = { ...k, qHeads: 3 * k.qHeads, kvHeads: 3 * k.kvHeads };
        expect(problemKey({ ...more, ...b, numSplits }, r)).toBe(one);
      },
    );
    fc.assert(property);
  });
});

describe('the key of a problem', () => {
  const key = problemKey(facts, 'head');

  it.for([
    { dtype: 'f16' },
    { kvDtype: 'int8' },
    { headDim: 32 },
    { headDimV: 32 },
    { lengths: 'varlen' },
    { keys: 'paged' },
    { hooks: variantHooks([alibi, band]) },
    { qHeads: 4 },
    { numSplits: 1 },
    { numSplits: 2 },
  ] as const)('tells apart %o', (change) => {
    expect(problemKey({ ...facts, ...change }, 'head')).not.toBe(key);
  });

  it("has with 'auto' the kind of rows and the class of each size, a power of two", () => {
    expect(key).toMatch(/splits=auto rows=head q<=512 k<=512 heads<=2$/);
    const at = (change: object): string => problemKey({ ...facts, ...change }, 'head');
    expect(at({ seqlenQ: 257, seqlenK: 257 })).toBe(key);
    expect(at({ seqlenQ: 256 })).toContain('q<=256 k<=512');
    expect(at({ seqlenK: 513 })).toContain('q<=512 k<=1024');
    expect(at({ seqlenQ: 1, seqlenK: 2 ** 29 })).toContain(`q<=1 k<=${2 ** 29}`);
    expect(at({ batch: 3 })).toContain('heads<=8');
    expect(at({ batch: 0, seqlenQ: 0, seqlenK: 0 })).toContain('q<=1 k<=1 heads<=1');
    expect(problemKey(facts, 'group')).toContain('rows=group');
  });

  it('counts the positions and keys of one sequence when they are packed', () => {
    const q = [100, 8, 64];
    const packed = { layout: 'varlen', q, k: [6400, 2, 64], sequences: 100 } as const;
    expect(problemKey(factsOfProblem(packed), 'group')).toContain('q<=1 k<=64 heads<=256');
  });

  it('of pages that sequences share is that of what each can address', () => {
    const pool: AttentionProblem = { layout: 'paged', q: [4, 8, 64], k: [64, 16, 2, 64] };
    const at = (sequences: number): string =>
      problemKey(factsOfProblem({ ...pool, sequences }), 'group');
    expect(at(1)).toContain('k<=1024 heads<=2');
    expect(at(4)).toContain('k<=256 heads<=8');
  });
});
