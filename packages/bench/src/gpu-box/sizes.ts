import type { Gpu } from '@heed/core';

/** How large the problems are: for a test, for an adapter that is a CPU, for a GPU. */
export type Size = 'smallest' | 'cpu' | 'gpu';

/** What differs between sizes; lengths in tokens. */
export interface Scale {
  /** Self-attention, forward. The batch is as large as `tokens` allow. */
  readonly lengths: readonly number[];
  readonly headDims: readonly number[];
  /** Batch times length. */
  readonly tokens: number;
  /** Heads times head dim. */
  readonly hidden: number;
  readonly backwardLength: number;
  readonly flexLength: number;
  readonly window: number;
  readonly decode: readonly { readonly batch: number; readonly seqlenK: number }[];
  /** Of a timed sample, at least; shorter calls are repeated. */
  readonly sampleMs: number;
  readonly rounds: number;
  /** No round of a case begins after this. */
  readonly seconds: number;
}

/** The sizes. On a GPU: 16k tokens and a hidden size of 2048, as FlashAttention's own benchmark has them. */
export const scales: Readonly<Record<Size, Scale>> = {
  smallest: {
    lengths: [32],
    headDims: [64],
    tokens: 32,
    hidden: 128,
    backwardLength: 32,
    flexLength: 64,
    window: 16,
    decode: [{ batch: 1, seqlenK: 64 }],
    sampleMs: 0,
    rounds: 1,
    seconds: 1,
  },
  cpu: {
    lengths: [256, 512],
    headDims: [64, 128],
    tokens: 512,
    hidden: 256,
    backwardLength: 256,
    flexLength: 512,
    window: 64,
    decode: [{ batch: 1, seqlenK: 2048 }],
    sampleMs: 0,
    rounds: 5,
    seconds: 1,
  },
  gpu: {
    lengths: [1024, 2048, 4096, 8192],
    headDims: [64, 128],
    tokens: 16_384,
    hidden: 2048,
    backwardLength: 2048,
    flexLength: 4096,
    window: 256,
    // 256 MiB and 2 GiB of keys and values.
    decode: [
      { batch: 1, seqlenK: 65_536 },
      { batch: 8, seqlenK: 65_536 },
    ],
    sampleMs: 50,
    rounds: 11,
    seconds: 8,
  },
};

/** The size that fits an adapter. */
export function sizeFor({ capabilities }: Pick<Gpu, 'capabilities'>): Size {
  return capabilities.adapter.isFallbackAdapter ? 'cpu' : 'gpu';
}
