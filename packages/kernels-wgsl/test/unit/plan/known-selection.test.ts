import type { Gpu } from '@heed/core';
import { describe, expect, it } from 'vitest';
import { factsOfProblem } from '../../../src/plan/attention-problem.ts';
import { knownSelection, select } from '../../../src/select/selection.ts';
import { alibi } from '../../../src/text/hooks/alibi.ts';
import { band } from '../../../src/text/hooks/band.ts';
import { variantHooks } from '../../../src/text/parts/hook.ts';
import { capabilities } from './capabilities.ts';

const newGpu = (): Gpu => ({ capabilities: capabilities({}), tuning: undefined }) as unknown as Gpu;
const shape = [1, 8, 100, 64];
const facts = factsOfProblem({ layout: 'dense', q: shape, k: shape });

describe('knownSelection', () => {
  it('is made once for equal problems, and is what select says', () => {
    const gpu = newGpu();
    const selection = knownSelection(gpu, facts);
    const again = factsOfProblem({ layout: 'dense', q: [...shape], k: [...shape] });
    expect(knownSelection(gpu, again)).toBe(selection);
    expect(selection).toEqual(select(facts, gpu.capabilities));
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
    { seqlenK: 101 },
    { numSplits: 2 },
    { hooks: variantHooks([alibi, band]) },
  ] as const)('is another for %j', (change) => {
    const gpu = newGpu();
    const other = { ...facts, ...change };
    const selection = knownSelection(gpu, facts);
    expect(knownSelection(gpu, other)).not.toBe(selection);
    expect(knownSelection(gpu, other)).toEqual(select(other, gpu.capabilities));
    expect(knownSelection(gpu, facts)).toBe(selection);
  });

  it('is of one Gpu', () => {
    expect(knownSelection(newGpu(), facts)).not.toBe(knownSelection(newGpu(), facts));
  });

  it('is forgotten after many others', () => {
    const gpu = newGpu();
    const selection = knownSelection(gpu, facts);
    for (let i = 0; i < 1000; i++) knownSelection(gpu, { ...facts, seqlenK: i + 1000 });
    expect(knownSelection(gpu, facts)).not.toBe(selection);
  });
});
