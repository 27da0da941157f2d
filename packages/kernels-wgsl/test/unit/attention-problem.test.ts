import { UnsupportedError, ValidationError } from '@heed/core';
import { type AttentionProblem, planAttention } from '@heed/kernels-wgsl';
import { describe, expect, it } from 'vitest';
import { alibi } from '../../src/host/options/alibi-slopes.ts';
import { softcap } from '../../src/host/options/softcap-option.ts';
import { band } from '../../src/host/options/visible-band.ts';
import { checkProblem } from '../../src/plan/attention-problem.ts';
import { checkMatch } from '../../src/plan/make-plan.ts';
import { variantHooks } from '../../src/text/parts/hook.ts';
import { capabilities, factsOfProblem, gpuOf } from './facts.ts';

const gpu = await gpuOf(capabilities({ f16: true }));

const dense: AttentionProblem = { layout: 'dense', q: [2, 8, 100, 64], k: [2, 2, 70, 64] };
const varlen: AttentionProblem = { layout: 'varlen', q: [100, 8, 64], k: [70, 2, 64] };
const paged: AttentionProblem = { layout: 'paged', q: [100, 8, 64], k: [9, 16, 2, 64] };

const quantised: AttentionProblem = {
  ...paged,
  k: [9, 16, 2, 17],
  format: 'int8',
  headDim: 64,
  headDimV: 64,
};

describe('the facts of a problem', () => {
  it('finds heads and sizes where each layout has them', () => {
    const common = { qHeads: 8, kvHeads: 2, seqlenQ: 100, headDim: 64, headDimV: 64 };
    expect(factsOfProblem(gpu, dense)).toMatchObject({ ...common, batch: 2, maxSeqlenK: 70 });
    expect(factsOfProblem(gpu, varlen)).toMatchObject({ ...common, batch: 1, maxSeqlenK: 70 });
    expect(factsOfProblem(gpu, paged)).toMatchObject({ ...common, batch: 1, maxSeqlenK: 144 });
    expect(factsOfProblem(gpu, { ...varlen, sequences: 7 })).toMatchObject({
      batch: 7,
      maxSeqlenK: 10,
    });
  });

  it('lets the format follow dtype, and v follow k', () => {
    expect(factsOfProblem(gpu, { ...dense, dtype: 'f16' })).toMatchObject({ kvDtype: 'f16' });
    const { dtype, kvDtype } = factsOfProblem(gpu, { ...dense, format: 'f16' });
    expect([dtype, kvDtype]).toEqual(['f32', 'f16']);
    expect(factsOfProblem(gpu, { ...dense, v: [2, 2, 70, 32] }).headDimV).toBe(32);
  });
});

describe('the facts of a problem of quantised pages', () => {
  it('takes the head dims from q and from headDimV, not from words', () => {
    const facts = { kvDtype: 'int8', headDim: 64, headDimV: 64, qHeads: 8, kvHeads: 2 };
    expect(factsOfProblem(gpu, quantised)).toMatchObject({
      dtype: 'f32',
      ...facts,
      maxSeqlenK: 144,
    });
    const narrow = { v: [9, 16, 2, 3], headDimV: 7, dtype: 'f16' } as const;
    expect(factsOfProblem(gpu, { ...quantised, ...narrow })).toMatchObject({
      headDimV: 7,
      dtype: 'f16',
    });
  });

  it('lets the format of float pages be their dtype', () => {
    expect(factsOfProblem(gpu, { ...paged, format: 'f16' })).toMatchObject({ kvDtype: 'f16' });
    const brains = { ...paged, dtype: 'bf16', format: 'bf16' } as const;
    expect(factsOfProblem(gpu, brains)).toMatchObject({ dtype: 'bf16', kvDtype: 'bf16' });
  });
});

/** A problem, and one that differs in what the rule is about. */
const refused: Readonly<
  Record<string, readonly [AttentionProblem, Partial<AttentionProblem>, RegExp]>
> = {
  layout: [dense, { layout: 'ragged' as never }, /layout must be/],
  'inherited layout': [dense, { layout: 'toString' as never }, /layout must be/],
  'rank of q': [dense, { q: [8, 100, 64] }, /q must be a shape of rank 4/],
  'packed rank of q': [varlen, { q: [1, 100, 8, 64] }, /q must be a shape of rank 3/],
  'paged rank of k': [paged, { k: [144, 2, 64] }, /k must be a shape of rank 4/],
  'a fraction': [dense, { q: [2, 8, 0.5, 64] }, /q must be a shape/],
  'a negative dimension': [dense, { k: [2, 2, -1, 64] }, /k must be a shape/],
  'no shape': [dense, { q: undefined as never }, /q must be a shape/],
  'head dims that differ': [dense, { k: [2, 2, 70, 32] }, /share the head dim/],
  'a head dim of 577': [dense, { q: [2, 8, 100, 577], k: [2, 2, 70, 577] }, /from 1 to 576/],
  'a value head dim of 0': [dense, { v: [2, 2, 70, 0] }, /from 1 to 576/],
  'a head ratio that is no number': [dense, { k: [2, 3, 70, 64] }, /multiple of the kv heads/],
  'v of another length': [dense, { v: [2, 2, 71, 64] }, /agree in all but the head dim/],
  'a batch of k alone': [dense, { k: [3, 2, 70, 64] }, /batch of q, or batch 1/],
  dtype: [dense, { dtype: 'f64' as never }, /dtype must be/],
  'a dtype of k that is no format': [dense, { format: 'i32' as never }, /format must be/],
  'the old name of format': [dense, { kvDtype: 'f16' } as never, /kvDtype.*format/],
  'the old name of alibiSlopes': [dense, { alibi: true } as never, /alibi.*alibiSlopes/],
  'no splits': [dense, { numSplits: 0 }, /numSplits must be/],
  'too many splits': [dense, { numSplits: 129 }, /numSplits must be/],
  'a format that there is not': [quantised, { format: 'i8' as never }, /format must be/],
  'words of another format': [quantised, { format: 'int4' }, /rows of k must be 9 words/],
  'words of v': [quantised, { v: [9, 16, 2, 9] }, /rows of v must be 17 words/],
  'no head dim of v': [quantised, { headDimV: undefined as never }, /headDimV is needed/],
  'a head dim that is not of q': [quantised, { headDim: 63 }, /headDim must be the last dim/],
  'a float format of words': [quantised, { format: 'f32' }, /format must be|head dim|headDim/],
  'half a sequence': [varlen, { sequences: 0.5 }, /sequences must be a count/],
};

describe('planAttention', () => {
  it.for(Object.entries(refused))('refuses %s', ([, [problem, change, says]]) => {
    expect(() => planAttention(gpu, problem)).not.toThrow();
    expect(() => planAttention(gpu, { ...problem, ...change })).toThrow(ValidationError);
    expect(() => planAttention(gpu, { ...problem, ...change })).toThrow(says);
  });

  it.for([null, undefined, 7, 'dense'])('refuses %s for a problem', (problem) => {
    expect(() => checkProblem(problem as never, 'planAttention')).toThrow(
      /^planAttention: layout must be/,
    );
  });

  it('knows integers in pages only', () => {
    const strided = { ...varlen, format: 'int8', headDim: 64, headDimV: 64 } as const;
    expect(() => planAttention(gpu, strided)).toThrow(UnsupportedError);
    expect(() => planAttention(gpu, strided)).toThrow(/needs paged keys \(blockTable\)/);
  });

  it('has no gradient of integers', () => {
    const pages = { ...paged, k: [9, 16, 8, 17], v: [9, 16, 8, 17], headDim: 64, headDimV: 64 };
    const integers = { ...pages, format: 'int8' } as const;
    expect(() => planAttention(gpu, integers)).not.toThrow();
    expect(() => planAttention(gpu, { ...integers, backward: true })).toThrow(UnsupportedError);
    expect(() => planAttention(gpu, { ...integers, backward: true })).toThrow(
      /int8 pages are not differentiable/,
    );
  });

  it.for([
    { ...dense, q: [0, 8, 0, 64], k: [0, 2, 0, 64] },
    { ...dense, k: [1, 8, 70, 64] },
    { ...dense, q: [2, 0, 100, 64], k: [2, 0, 70, 64] },
    { ...paged, k: [0, 16, 8, 64], v: [0, 16, 8, 1] },
  ])('takes sizes of 0, a batch of 1 and a Dv of its own: %j', (problem) => {
    expect(() => planAttention(gpu, problem)).not.toThrow();
  });
});

describe('checkMatch', () => {
  const planned = factsOfProblem(gpu, { ...dense, numSplits: 2 });
  const match = (change: object, numSplits?: number | 'auto') => (): void =>
    checkMatch('plan.run', planned, { ...planned, ...change }, numSplits);

  it('lets sizes differ, and heads of the same ratio', () => {
    const sizes = { batch: 9, seqlenQ: 1, maxSeqlenK: 4000, qHeads: 4, kvHeads: 1 };
    expect(match(sizes)).not.toThrow();
    expect(match({}, 2)).not.toThrow();
  });

  it.for([
    [{ dtype: 'f16' }, 'dtype = f32; got f16'],
    [{ kvDtype: 'f16' }, 'format = f32; got f16'],
    [{ kvDtype: 'int8' }, 'format = f32; got int8'],
    [{ headDim: 32 }, 'headDim = 64; got 32'],
    [{ headDimV: 32 }, 'headDimV = 64; got 32'],
    [{ lengths: 'varlen' }, 'lengths = dense; got varlen'],
    [{ keys: 'paged' }, 'keys = strided; got paged'],
    [{ hooks: variantHooks([softcap, band]) }, 'hooks = band; got softcap+band'],
    [{ hooks: variantHooks([alibi, band]) }, 'hooks = band; got alibi+band'],
    [{ qHeads: 2 }, 'query heads per kv head = 4; got 1'],
  ] as const)('refuses %j', ([change, says]) => {
    expect(match(change)).toThrow(ValidationError);
    expect(match(change)).toThrow(`plan.run: this plan was made for ${says}. Make a plan`);
  });

  it.for([1, 3, 'auto'] as const)('refuses to split otherwise than planned: %s', (numSplits) => {
    expect(match({}, numSplits)).toThrow(`numSplits = 2; got ${numSplits}.`);
  });

  it('takes no heads for no heads', () => {
    const none = factsOfProblem(gpu, { ...dense, q: [2, 0, 100, 64], k: [2, 0, 70, 64] });
    expect(() => checkMatch('plan.run', none, none, undefined)).not.toThrow();
  });
});

describe('the kernels of a plan', () => {
  const labels = async (problem: AttentionProblem, f16: boolean): Promise<string[]> => {
    const [, ...kernels] = planAttention(await gpuOf(capabilities({ f16 })), problem)
      .describe()
      .split('\n');
    return kernels;
  };
  const narrow = { ...dense, dtype: 'f16', v: [2, 2, 70, 5], numSplits: 1 } as const;

  it('is one kernel, or two where keys are split', async () => {
    expect(await labels({ ...dense, numSplits: 1 }, true)).toHaveLength(1);
    const [forward, combine] = await labels({ ...dense, dtype: 'f16', numSplits: 2 }, true);
    expect(forward).toContain('q=f16 kv=f16 out=f32');
    expect(combine).toMatch(/^heed\/combine splits dv=64 part=f32 out=f16/);
  });

  it('loads vectors only where both head dims allow', async () => {
    expect((await labels({ ...dense, numSplits: 1 }, true))[0]).toContain('read=vec4 write=vec4');
    expect((await labels(narrow, true))[0]).toContain('read=scalar');
  });

  it('loads vectors of q beside words of k and v', async () => {
    const [label] = await labels({ ...quantised, numSplits: 1 }, true);
    expect(label).toContain('q=f32 kv=int8 out=f32');
    expect(label).toContain('read=vec4 write=vec4');
  });

  // Without shader-f16, rows of 5 halves are 6 apart, and `enable f16;` would not compile.
  it('writes odd rows of halves as a device without shader-f16 has to', async () => {
    expect((await labels(narrow, true))[0]).toContain('write=scalar');
    expect((await labels(narrow, false))[0]).toContain('write=pair');
    expect((await labels({ ...narrow, numSplits: 2 }, false))[1]).toContain('write=pair');
  });
});
