import type { Gpu, Tensor } from '@heed/core';
import * as flex from '@heed/flex';
import * as kernels from '@heed/kernels-wgsl';
import { type Call, methodOf, strangers, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';

let gpu: Gpu;
let x: Tensor;
let p: Tensor;
beforeAll(async () => {
  gpu = await testGpu();
  x = gpu.tensor(new Float32Array(32), { shape: [1, 1, 4, 8] });
  p = gpu.tensor(new Float32Array(32), { shape: [4, 1, 8] });
});

const cuSeqlensQ = Int32Array.of(0, 4);
const lists = ['cuSeqlensQ', 'cuSeqlensK', 'seqUsedK', 'blockTable'];
const shared = [
  'scale',
  'align',
  'sinks',
  'selectedKeys',
  'selectedBlockSize',
  'seqUsedK',
  'dropout',
  'returnLse',
  'out',
  'numSplits',
];
const problem = { layout: 'dense', q: [1, 1, 4, 8], k: [1, 1, 4, 8] } as const;
const mask = (b: number, h: number, q: number, kv: number): boolean => q >= kv;

describe('an argument of the wrong kind is an error of heed’s, or is right, in', () => {
  it('core', async () => {
    const shape = { shape: [1], dtype: 'f32' };
    const found = [
      await strangers('tensor', methodOf(gpu, 'tensor'), [[1], shape], ['shape', 'dtype', 'label']),
      await strangers('empty', methodOf(gpu, 'empty'), [[1], { dtype: 'f32' }], ['dtype', 'label']),
      await strangers(
        'wrap',
        methodOf(gpu, 'wrap'),
        [x.buffer, shape],
        ['shape', 'dtype', 'label', 'strides', 'byteOffset'],
      ),
      await strangers(
        'fromBytes',
        methodOf(gpu, 'fromBytes'),
        [new ArrayBuffer(4), shape],
        ['shape', 'dtype', 'label'],
      ),
      await strangers('batch', methodOf(gpu, 'batch'), [() => 1]),
      await strangers('scope', methodOf(gpu, 'scope'), [() => 1]),
      await strangers('profile', methodOf(gpu, 'profile'), [() => 1]),
      await strangers('permute', methodOf(x, 'permute'), [[0, 1, 2, 3]]),
      await strangers('slice', methodOf(x, 'slice'), [0, 0, 1]),
      await strangers('reshape', methodOf(x, 'reshape'), [[32]]),
      await strangers('read', methodOf(x, 'read'), [{}], ['signal']),
    ];
    expect(found.flat()).toEqual([]);
  });

  it('kernels-wgsl', async () => {
    const variants = ['causal', 'window', 'softcap', 'alibiSlopes'];
    const plan = kernels.planAttention(gpu, problem);
    const { out, lse, backward } = kernels.attentionVjp(x, x, x);
    const pass = { setPipeline() {}, setBindGroup() {}, dispatchWorkgroups() {} };
    const found = [
      await strangers(
        'attention',
        methodOf(kernels, 'attention'),
        [x, x, x, {}],
        [...shared, ...variants],
      ),
      await strangers(
        'varlenAttention',
        methodOf(kernels, 'varlenAttention'),
        [p, p, p, { cuSeqlensQ }],
        [...lists, 'maxSeqlenK', 'format', 'headDim', 'headDimV', 'out'],
      ),
      await strangers(
        'attentionWeights',
        methodOf(kernels, 'attentionWeights'),
        [x, x, { lse }],
        [...shared, ...variants, 'lse', 'rows'],
      ),
      await strangers('keyMass', methodOf(kernels, 'keyMass'), [p, p, { cuSeqlensQ }], lists),
      await strangers('backward', backward as Call, [out, lse]),
      await strangers('mergeStates', methodOf(kernels, 'mergeStates'), [[{ out, lse }]]),
      await strangers('mergeStates', (...args) => kernels.mergeStates([args[0] as never]), [
        { out, lse },
      ]),
      await strangers(
        'planAttention',
        methodOf(kernels, 'planAttention'),
        [gpu, problem],
        ['layout', 'dtype', 'q', 'k', 'v', 'format', 'headDim', 'sequences'],
      ),
      await strangers(
        'planAttention',
        methodOf(kernels, 'planAttention'),
        [gpu, problem],
        ['numSplits', 'softcap', 'alibiSlopes', 'causal', 'window', 'sinks', 'backward'],
      ),
      await strangers('plan.run', methodOf(plan, 'run'), [{ q: x, k: x, v: x }], ['q', 'v', 'out']),
      await strangers('plan.encode', methodOf(plan, 'encode'), [pass, { q: x, k: x, v: x }]),
      await strangers('plan.warmup', methodOf(plan, 'warmup'), [{}], ['signal', 'onProgress']),
      await strangers('tune', (problems) => kernels.tune(gpu, problems as never), [[]]),
    ];
    expect(found.flat()).toEqual([]);
  });

  it('flex', async () => {
    const blocks = flex.createBlockMask(gpu, mask, { Lq: 4, Lk: 4 });
    const vjp = { scoreMod: (score: number) => score };
    const found = [
      await strangers(
        'flexAttention',
        methodOf(flex, 'flexAttention'),
        [x, x, x, { maskMod: mask }],
        ['scoreMod', 'maskMod', 'blockMask', 'captures', ...shared],
      ),
      await strangers(
        'flexAttentionVjp',
        methodOf(flex, 'flexAttentionVjp'),
        [x, x, x, vjp],
        ['grads'],
      ),
      await strangers(
        'createBlockMask',
        methodOf(flex, 'createBlockMask'),
        [gpu, mask, { Lq: 4, Lk: 4 }],
        ['B', 'H', 'Lq', 'Lk', 'align', 'blockSize', 'captures', ...lists],
      ),
      await strangers(
        'fromCuSeqlens',
        methodOf(flex.BlockMask, 'fromCuSeqlens'),
        [gpu, cuSeqlensQ, {}],
        ['maskMod', 'L', 'blockSize', 'captures'],
      ),
      await strangers('BlockMask.slice', methodOf(blocks, 'slice'), [0, 0, 1]),
      await strangers('toDense', methodOf(blocks, 'toDense'), [{}], ['signal']),
      await strangers('compileMod', methodOf(flex, 'compileMod'), [mask, {}, {}]),
      await strangers('bind', methodOf(flex, 'bind'), [mask, {}]),
      await strangers('f32', methodOf(flex, 'f32'), [1]),
      await strangers('i32', methodOf(flex, 'i32'), [1]),
    ];
    expect(found.flat()).toEqual([]);
  });
});
