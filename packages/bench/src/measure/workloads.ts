/** Prefill: the queries are whole sequences. */
function prefillRows(adapter: AdapterClass): Workload[] {
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
    {
      ...prefill,
      id: 'prefill-d512-f16',
      title: `causal prefill f16, B1 S${seqlen / 4} H4 D512`,
      dtype: 'f16',
      causal: true,
      headsQ: 4,
      headsKv: 1,
      headDim: 512,
      sequences: [{ seqlenQ: seqlen / 4, seqlenK: seqlen / 4 }],
    },
  ];
}

// As uneven as real texts, and short enough that programs that store the scores of a padded batch finish in a second.
const texts = [389, 37, 203, 113, 5, 64, 97, 239];

/** The workloads of a server: decode, unequal lengths, a window, pages. */
function servingRows(adapter: AdapterClass): Workload[] {
  const isSmall = adapter === 'page-cpu';
  const [past, seqlen] = isSmall ? [1024, 512] : [2048, 1024];
  const documents = isSmall ? texts.map((length) => Math.ceil(length / 4)) : texts;
  const lengths = `of ${Math.min(...documents)} to ${Math.max(...documents)} tokens`;
  return [
    {
      id: 'decode-f32',
      headline: true,
      title: `cached decode f32, Sq 1 past ${past}, 32/8 heads D64`,
      dtype: 'f32',
      layout: 'dense',
      causal: true,
      headsQ: 32,
      headsKv: 8,
      headDim: 64,
      sequences: [{ seqlenQ: 1, seqlenK: past + 1 }],
    },
    {
      id: 'decode-d512-f16',
      title: `cached decode f16, Sq 1 past ${past}, 16/4 heads D512`,
      dtype: 'f16',
      layout: 'dense',
      causal: true,
      headsQ: 16,
      headsKv: 4,
      headDim: 512,
      sequences: [{ seqlenQ: 1, seqlenK: past + 1 }],
    },
    {
      id: 'varlen-f32',
      headline: true,
      title: `packed causal f32, 8 documents ${lengths}, 8/2 heads D64`,
      dtype: 'f32',
      layout: 'packed',
      causal: true,
      headsQ: 8,
      headsKv: 2,
      headDim: 64,
      sequences: documents.map((length) => ({ seqlenQ: length, seqlenK: length })),
    },
    {
      id: 'window-f32',
      title: `causal window of 128 f32, B1 S${seqlen} H4 D64`,
      dtype: 'f32',
      layout: 'dense',
      causal: true,
      window: 127,
      headsQ: 4,
      headsKv: 4,
      headDim: 64,
      sequences: [{ seqlenQ: seqlen, seqlenK: seqlen }],
    },
    {
      id: 'paged-decode-f16',
      title: `paged decode f16, 8 sequences ${lengths}, pages of 32, 32/8 heads D128`,
      dtype: 'f16',
      layout: 'paged',
      pageSize: 32,
      causal: true,
      headsQ: 32,
      headsKv: 8,
      headDim: 128,
      sequences: documents.map((length) => ({ seqlenQ: 1, seqlenK: length })),
    },
    {
      id: 'paged-prefill-f16',
      title: `paged causal prefill f16, 8 sequences ${lengths}, pages of 32, 8/2 heads D64`,
      dtype: 'f16',
      layout: 'paged',
      pageSize: 32,
      causal: true,
      headsQ: 8,
      headsKv: 2,
      headDim: 64,
      sequences: documents.map((length) => ({ seqlenQ: length, seqlenK: length })),
    },
  ];
}

type Layer = Pick<Workload, 'headsQ' | 'headsKv' | 'headDim' | 'window' | 'sinks'> & {
  readonly id: string;
  readonly name: string;
};

// From the models' config.json. GPT-OSS counts the query among the 128 keys of its window, and every second layer has no window.
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

// A CPU adapter computes slowly with halves. On a GPU, the cost of the float64 reference limits the length.
const scales = {
  'page-cpu': { dtype: 'f32', prefill: 64, keys: 512 },
  cpu: { dtype: 'f32', prefill: 256, keys: 1024 },
  gpu: { dtype: 'f16', prefill: 1024, keys: 16_384 },
} as const;

/** One attention layer of popular models, prefill and decode. */
function modelRows(adapter: AdapterClass): Workload[] {
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

/** Lengths of one sequence, in tokens. */
export interface SequenceLength {
  readonly seqlenQ: number;
  readonly seqlenK: number;
}

/** One attention problem to time, as data. Causal diagonals are tied to the end: the last query sees every key. */
export interface Workload {
  readonly id: string;
  readonly title: string;
  readonly dtype: 'f32' | 'f16';
  /**
   * `dense`: every sequence has the same lengths. `packed`: sequences of unequal length, one after another. `paged`: the same, their
   * keys and values in pages that lie in any order.
   */
  readonly layout: 'dense' | 'packed' | 'paged';
  readonly causal: boolean;
  readonly headsQ: number;
  readonly headsKv: number;
  readonly headDim: number;
  readonly sequences: readonly SequenceLength[];
  /** For a causal row: a query sees itself and this number of keys before it. */
  readonly window?: number;
  /** True with one more logit per query head in the denominator of the softmax. */
  readonly sinks?: boolean;
  /** Keys per page. */
  readonly pageSize?: number;
  /** True for a headline, which runs without --all and without names. */
  readonly headline?: boolean;
}

/**
 * The class of an adapter, which scales the lengths: a CPU adapter takes a thousand times as long as a GPU, and a browser's own CPU
 * adapter is several times slower again.
 */
export type AdapterClass = 'page-cpu' | 'cpu' | 'gpu';

/** Returns the rows of the benchmark for an adapter, in the order they run. The ids are the same for every adapter. */
export function workloadsFor(adapter: AdapterClass): Workload[] {
  return [...prefillRows(adapter), ...servingRows(adapter), ...modelRows(adapter)];
}

/** Scales the lengths of rows for an adapter. */
export function sized(rows: readonly Workload[], adapter: AdapterClass): Workload[] {
  const known = new Map(workloadsFor(adapter).map((row) => [row.id, row]));
  return rows.map((row) => known.get(row.id) ?? row);
}

/** The rows for a CPU adapter. */
export const workloads: readonly Workload[] = workloadsFor('cpu');
