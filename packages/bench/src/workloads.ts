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
  /** `dense`: every sequence has the same lengths. `packed`: sequences of unequal length, one after another. */
  readonly layout: 'dense' | 'packed';
  readonly causal: boolean;
  readonly headsQ: number;
  readonly headsKv: number;
  readonly headDim: number;
  readonly sequences: readonly SequenceLength[];
}

const prefill = {
  layout: 'dense',
  headsQ: 8,
  headsKv: 8,
  headDim: 64,
  sequences: [{ seqlenQ: 1024, seqlenK: 1024 }],
} as const;

// As uneven as real texts are, and short enough that programs that store a padded batch's scores finish in a second.
const documents = [389, 37, 203, 113, 5, 64, 97, 239];

/** The rows of the benchmark, in the order they run. */
export const workloads: readonly Workload[] = [
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
  {
    id: 'decode-f32',
    title: 'cached decode f32, Sq 1 past 2048, 32/8 heads D64',
    dtype: 'f32',
    layout: 'dense',
    causal: true,
    headsQ: 32,
    headsKv: 8,
    headDim: 64,
    sequences: [{ seqlenQ: 1, seqlenK: 2049 }],
  },
  {
    id: 'varlen-f32',
    title: 'packed causal f32, 8 documents of 5 to 389 tokens, 8/2 heads D64',
    dtype: 'f32',
    layout: 'packed',
    causal: true,
    headsQ: 8,
    headsKv: 2,
    headDim: 64,
    sequences: documents.map((length) => ({ seqlenQ: length, seqlenK: length })),
  },
];
