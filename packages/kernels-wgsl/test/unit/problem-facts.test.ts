import type { Gpu } from '@heed/core';
import type { AttentionProblem } from '@heed/kernels-wgsl';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alibi } from '../../src/host/options/alibi-slopes.ts';
import { band } from '../../src/host/options/visible-band.ts';
import { problemKey } from '../../src/select/problem-facts.ts';
import { knownSelection, select } from '../../src/select/selection.ts';
import { variantHooks } from '../../src/text/parts/hook.ts';
import { capabilities, facts, kinds, sizes, splitCounts, factsOfProblem, gpuOf } from './facts.ts';

const newGpu = (): Gpu => ({ capabilities: capabilities({}), tuning: undefined }) as unknown as Gpu;
const shape = [1, 8, 100, 64];
const shapeGpu = await gpuOf(capabilities());
const denseFacts = factsOfProblem(shapeGpu, { layout: 'dense', q: shape, k: shape });

describe('knownSelection', () => {
  it('is made once for equal problems, and is what select says', () => {
    const gpu = newGpu();
    const selection = knownSelection(gpu, denseFacts);
    const again = factsOfProblem(shapeGpu, { layout: 'dense', q: [...shape], k: [...shape] });
    expect(knownSelection(gpu, again)).toBe(selection);
    expect(selection).toEqual(select(denseFacts, gpu.capabilities));
  });

  it.for([
    { dtype: 'f16' },
    { kvDtype: 'f16' },
    { kvDtype: 'int8' },
    { headDim: 32 },
    { headDimV: 32 },
    { lengths: 'varlen' },
    { keys: 'paged' },
    { qHeads: 16 },
    { kvHeads: 4 },
    { batch: 2 },
    { seqlenQ: 1 },
    { maxSeqlenK: 101 },
    { numSplits: 2 },
    { hooks: variantHooks([alibi, band]) },
  ] as const)('is another for %j', (change) => {
    const gpu = newGpu();
    const other = { ...denseFacts, ...change };
    const selection = knownSelection(gpu, denseFacts);
    expect(knownSelection(gpu, other)).not.toBe(selection);
    expect(knownSelection(gpu, other)).toEqual(select(other, gpu.capabilities));
    expect(knownSelection(gpu, denseFacts)).toBe(selection);
  });

  it('is of one Gpu', () => {
    expect(knownSelection(newGpu(), denseFacts)).not.toBe(knownSelection(newGpu(), denseFacts));
  });

  it('is forgotten after many others', () => {
    const gpu = newGpu();
    const selection = knownSelection(gpu, denseFacts);
    for (let i = 0; i < 1000; i++) knownSelection(gpu, { ...denseFacts, maxSeqlenK: i + 1000 });
    expect(knownSelection(gpu, denseFacts)).not.toBe(selection);
  });
});

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
    expect(at({ seqlenQ: 257, maxSeqlenK: 257 })).toBe(key);
    expect(at({ seqlenQ: 256 })).toContain('q<=256 k<=512');
    expect(at({ maxSeqlenK: 513 })).toContain('q<=512 k<=1024');
    expect(at({ seqlenQ: 1, maxSeqlenK: 2 ** 29 })).toContain(`q<=1 k<=${2 ** 29}`);
    expect(at({ batch: 3 })).toContain('heads<=8');
    expect(at({ batch: 0, seqlenQ: 0, maxSeqlenK: 0 })).toContain('q<=1 k<=1 heads<=1');
    expect(problemKey(facts, 'group')).toContain('rows=group');
  });

  it('counts the positions and keys of one sequence when they are packed', () => {
    const q = [100, 8, 64];
    const packed = { layout: 'varlen', q, k: [6400, 2, 64], sequences: 100 } as const;
    expect(problemKey(factsOfProblem(shapeGpu, packed), 'group')).toContain(
      'q<=1 k<=64 heads<=256',
    );
  });

  it('of pages that sequences share is that of what each can address', () => {
    const pool: AttentionProblem = { layout: 'paged', q: [4, 8, 64], k: [64, 16, 2, 64] };
    const at = (sequences: number): string =>
      problemKey(factsOfProblem(shapeGpu, { ...pool, sequences }), 'group');
    expect(at(1)).toContain('k<=1024 heads<=2');
    expect(at(4)).toContain('k<=256 heads<=8');
  });
});
