import { openGpu } from '@heed/core';
import type { Capabilities, Gpu, Limits } from '@heed/core';
import type { AttentionProblem } from '@heed/kernels-wgsl';
import { recordingDevice } from '@heed/testing';
import * as fc from 'fast-check';
import { alibi } from '../../src/host/options/alibi-slopes.ts';
import { softcap } from '../../src/host/options/softcap-option.ts';
import { band } from '../../src/host/options/visible-band.ts';
import type { ProblemFacts } from '../../src/select/problem-facts.ts';
import { variantHooks } from '../../src/text/parts/hook.ts';
import { toTunable, tunableFacts } from '../../src/tune/sample.ts';

/** WebGPU's default limits, as far as kernels meet them. */
const defaults: Limits = {
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
  maxUniformBufferBindingSize: 2 ** 16,
  maxStorageBuffersPerShaderStage: 8,
  minStorageBufferOffsetAlignment: 256,
  minUniformBufferOffsetAlignment: 256,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupsPerDimension: 65_535,
};

/** A device at WebGPU's defaults, but for what a test says of it. */
export function capabilities(
  {
    subgroups,
    f16 = false,
    isFallbackAdapter = false,
    subgroupSizeControl = false,
    subgroupMatrix = [],
    integerDots = false,
  }: Partial<{
    subgroups: Capabilities['subgroups'];
    f16: boolean;
    isFallbackAdapter: boolean;
    subgroupSizeControl: boolean;
    subgroupMatrix: Capabilities['subgroupMatrix'];
    integerDots: boolean;
  }> = {},
  limits: Partial<Limits> = {},
): Capabilities {
  const name = 'made up';
  return {
    adapter: {
      vendor: name,
      architecture: name,
      device: name,
      description: name,
      isFallbackAdapter,
    },
    f16,
    subgroups,
    subgroupSizeControl,
    subgroupMatrix,
    integerDots,
    timestampQuery: false,
    limits: { ...defaults, ...limits },
  };
}

/** Matrices with products in f32, by M×N×K. */
export function matrices(
  components: 'f16' | 'f32',
  ...shapes: string[]
): Capabilities['subgroupMatrix'] {
  return shapes.map((shape) => {
    const [M, N, K] = shape.split('×').map(Number) as [number, number, number];
    return { componentType: components, resultComponentType: 'f32', M, N, K };
  });
}

/** A device of each class that selection tells apart. */
export const devices: Readonly<Record<string, Capabilities>> = {
  'WebGPU defaults': capabilities(),
  'a fallback adapter without subgroups': capabilities({ isFallbackAdapter: true }),
  'a CPU with subgroups of 4': capabilities({
    subgroups: { min: 4, max: 4 },
    isFallbackAdapter: true,
  }),
  'a CPU with subgroups of 8': capabilities({
    subgroups: { min: 8, max: 8 },
    f16: true,
    isFallbackAdapter: true,
  }),
  'a GPU with subgroups of 32': capabilities({ subgroups: { min: 32, max: 32 }, f16: true }),
  'a GPU with subgroups of 8 to 32': capabilities({ subgroups: { min: 8, max: 32 } }),
  'a GPU with matrices': capabilities({
    subgroups: { min: 32, max: 32 },
    f16: true,
    subgroupMatrix: matrices('f16', '16×8×8', '16×16×16'),
  }),
  'a GPU with matrices and subgroups of 32 or 64': capabilities(
    {
      subgroups: { min: 32, max: 64 },
      f16: true,
      subgroupSizeControl: true,
      subgroupMatrix: matrices('f16', '16×16×16'),
    },
    { maxComputeWorkgroupStorageSize: 65_536 },
  ),
  'a GPU with matrices of f32': capabilities(
    {
      subgroups: { min: 32, max: 32 },
      f16: true,
      subgroupMatrix: [
        ...matrices('f32', '8×8×8'),
        { componentType: 'f16', resultComponentType: 'f16', M: 8, N: 8, K: 8 },
      ],
    },
    { maxComputeWorkgroupStorageSize: 32_768 },
  ),
  'a CPU with matrices': capabilities({
    subgroups: { min: 8, max: 8 },
    f16: true,
    subgroupMatrix: matrices('f16', '8×8×8'),
    isFallbackAdapter: true,
  }),
};

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
  maxSeqlenK: 512,
  selectedBlock: 0,
  listRows: undefined,
  hooks: variantHooks([band]),
  numSplits: 'auto',
  sharedKv: false,
  keepsStates: false,
  cascade: undefined,
  prefixSums: 0,
};

const count = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
const dim = fc.integer({ min: 1, max: 256 });
const float = fc.constantFrom('f32' as const, 'f16' as const);

type Sizes = Pick<ProblemFacts, 'batch' | 'seqlenQ' | 'maxSeqlenK'>;

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
    sharedKv: fc.boolean(),
    keepsStates: fc.boolean(),
    selected: fc.constantFrom(
      { selectedBlock: 0, listRows: undefined },
      { selectedBlock: 1, listRows: 'group' } as const,
      { selectedBlock: 64, listRows: 'head' } as const,
    ),
  })
  .map(({ layout, group, selected, ...rest }) => ({
    ...rest,
    ...layout,
    ...selected,
    qHeads: rest.kvHeads * group,
    cascade: undefined,
    prefixSums: 0,
  }));

/** What differs from batch to batch. */
export const sizes: fc.Arbitrary<Sizes> = fc.record({
  batch: count(100_000),
  seqlenQ: count(2 ** 20),
  maxSeqlenK: count(2 ** 29),
});

export const splitCounts: fc.Arbitrary<number> = fc.integer({ min: 1, max: 128 });

/** A Gpu without a GPU, of a device of this class. */
export const gpuOf = (of: Capabilities): Promise<Gpu> =>
  openGpu({ device: recordingDevice(of).device });

/** The facts of a problem of attention. */
export const factsOfProblem = (gpu: Gpu, problem: AttentionProblem): ProblemFacts =>
  tunableFacts('planAttention', gpu, toTunable('planAttention', problem));
