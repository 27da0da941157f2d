import type { AdapterClass, Workload } from './workloads.ts';

type Layer = Pick<Workload, 'headsQ' | 'headsKv' | 'headDim' | 'window' | 'sinks'> & {
  readonly id: string;
  readonly name: string;
};

// Of the models' config.json. GPT-OSS counts the query among the 128 keys of its window, and every other layer has none.
const layers: readonly Layer[] = [
  { id: 'llama3-8b', name: 'Llama-3-8B', headsQ: 32, headsKv: 8, headDim: 128 },
  { id: 'qwen3-1.7b', name: 'Qwen3-1.7B', headsQ: 16, headsKv: 8, headDim: 128 },
  { id: 'phi4-mini', name: 'Phi-4-mini', headsQ: 24, headsKv: 8, headDim: 128 },
  {
    id: 'gpt-oss-20b-window',
    name: 'GPT-OSS-20B with its window of 128 and sinks',
    headsQ: 64,
    headsKv: 8,
    headDim: 64,
    window: 127,
    sinks: true,
  },
  {
    id: 'gpt-oss-20b',
    name: 'GPT-OSS-20B with sinks',
    headsQ: 64,
    headsKv: 8,
    headDim: 64,
    sinks: true,
  },
];

// Halves are slow to compute with on a CPU adapter. The float64 reference bounds the length on a GPU.
const scales = {
  'page-cpu': { dtype: 'f32', prefill: 64, keys: 512 },
  cpu: { dtype: 'f32', prefill: 256, keys: 1024 },
  gpu: { dtype: 'f16', prefill: 1024, keys: 16_384 },
} as const;

/** One attention layer of models that people run, prefill and decode. */
export function modelRows(adapter: AdapterClass): Workload[] {
  const { dtype, prefill, keys } = scales[adapter];
  return layers.flatMap(({ id, name, ...layer }) => {
    const heads = `${layer.headsQ}/${layer.headsKv} heads D${layer.headDim}`;
    const row = { ...layer, dtype, layout: 'dense', causal: true } as const;
    return [
      {
        ...row,
        id: `${id}-prefill`,
        title: `a layer of ${name}, prefill ${dtype}, S${prefill}, ${heads}`,
        sequences: [{ seqlenQ: prefill, seqlenK: prefill }],
      },
      {
        ...row,
        id: `${id}-decode`,
        title: `a layer of ${name}, decode ${dtype}, ${keys} keys, ${heads}`,
        sequences: [{ seqlenQ: 1, seqlenK: keys }],
      },
    ];
  });
}
