import type { Workload } from './workloads.ts';

const prefill = {
  layout: 'dense',
  headsQ: 8,
  headsKv: 8,
  headDim: 64,
  sequences: [{ seqlenQ: 1024, seqlenK: 1024 }],
} as const;

/** Whole sequences at once. */
export const prefillRows: readonly Workload[] = [
  {
    ...prefill,
    id: 'prefill-f32',
    title: 'prefill f32, B1 S1024 H8 D64',
    dtype: 'f32',
    causal: false,
  },
  {
    ...prefill,
    id: 'prefill-causal-f32',
    title: 'causal prefill f32, B1 S1024 H8 D64',
    dtype: 'f32',
    causal: true,
  },
  {
    ...prefill,
    id: 'prefill-f16',
    title: 'prefill f16, B1 S1024 H8 D64',
    dtype: 'f16',
    causal: false,
  },
];
