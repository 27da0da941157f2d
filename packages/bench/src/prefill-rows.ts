import type { AdapterClass, Workload } from './workloads.ts';

/** Whole sequences at once. */
export function prefillRows(adapter: AdapterClass): Workload[] {
  const seqlen = adapter === 'page-cpu' ? 256 : 1024;
  const shape = `B1 S${seqlen} H8 D64`;
  const prefill = {
    layout: 'dense',
    headsQ: 8,
    headsKv: 8,
    headDim: 64,
    sequences: [{ seqlenQ: seqlen, seqlenK: seqlen }],
  } as const;
  return [
    {
      ...prefill,
      id: 'prefill-f32',
      title: `prefill f32, ${shape}`,
      dtype: 'f32',
      causal: false,
      headline: true,
    },
    {
      ...prefill,
      id: 'prefill-causal-f32',
      title: `causal prefill f32, ${shape}`,
      dtype: 'f32',
      causal: true,
    },
    {
      ...prefill,
      id: 'prefill-f16',
      title: `prefill f16, ${shape}`,
      dtype: 'f16',
      causal: false,
    },
  ];
}
