import type { Gpu } from '@heed/core';

/** The name of a case's score or mask function; each program has its own text of it. */
type Mod =
  | { readonly kind: 'relativeBias'; readonly maxDistance: number }
  | { readonly kind: 'slidingWindow'; readonly window: number };

/** The targets of heed in a case. */
interface Promised {
  /** Smallest allowed ratio of heed's speed to the other program's. */
  readonly ofPeer?: number;
  /** Smallest allowed share of the card's copy limit. */
  readonly ofCopy?: number;
}

/**
 * A dense f16 problem, [batch, heads, length, headDim], that two programs on one card compute. It is plain data, since it is sent to
 * the other process.
 */
export interface BoxCase {
  readonly id: string;
  readonly title: string;
  readonly pass: 'forward' | 'backward';
  readonly batch: number;
  readonly headsQ: number;
  readonly headsKv: number;
  readonly seqlenQ: number;
  readonly seqlenK: number;
  readonly headDim: number;
  readonly causal: boolean;
  readonly mod?: Mod;
  readonly promise?: Promised;
}

/** Returns the cases of a size, in the order they run. */
export function casesOf(scale: Scale): BoxCase[] {
  const { headDims, lengths } = scale;
  const forward = headDims.flatMap((headDim) =>
    [true, false].flatMap((causal) =>
      lengths.map((seqlen) => ({
        ...selfAttention(scale, headDim, seqlen, causal),
        ...(headDim === 128 && { promise: { ofPeer: 0.15 } }),
      })),
    ),
  );
  const backward = headDims.map((headDim) => ({
    ...selfAttention(scale, headDim, scale.backwardLength, true),
    id: `backward-d${headDim}`,
    title: `backward, causal, S${scale.backwardLength} D${headDim}`,
    pass: 'backward' as const,
  }));
  return [...forward, ...backward, ...scale.decode.map(decode), ...flex(scale)];
}

function selfAttention(scale: Scale, headDim: number, seqlen: number, causal: boolean): BoxCase {
  const heads = scale.hidden / headDim;
  return {
    id: `forward-d${headDim}-${causal ? 'causal' : 'full'}-${seqlen}`,
    title: `forward, ${causal ? 'causal' : 'full'}, S${seqlen} D${headDim}`,
    pass: 'forward',
    batch: Math.max(1, scale.tokens / seqlen),
    headsQ: heads,
    headsKv: heads,
    seqlenQ: seqlen,
    seqlenK: seqlen,
    headDim,
    causal,
  };
}

function decode({ batch, seqlenK }: Scale['decode'][number]): BoxCase {
  const [headsQ, headsKv, headDim] = [32, 8, 128];
  const bytes = 2 * 2 * batch * headsKv * seqlenK * headDim;
  return {
    id: `decode-b${batch}-${seqlenK}`,
    title: `decode, B${batch}, ${seqlenK} keys, ${headsQ}/${headsKv} heads D${headDim}, ${bytes / 2 ** 20} MiB of K+V`,
    pass: 'forward',
    batch,
    headsQ,
    headsKv,
    seqlenQ: 1,
    seqlenK,
    headDim,
    causal: false,
    ...(bytes >= 2 ** 31 && { promise: { ofCopy: 0.8 } }),
  };
}

function flex(scale: Scale): BoxCase[] {
  const { flexLength: seqlen, window } = scale;
  const base = selfAttention(scale, scale.headDims[0]!, seqlen, false);
  return [
    {
      ...base,
      id: 'flex-relative-bias',
      title: `FlexAttention, relative bias, S${seqlen} D${base.headDim}`,
      mod: { kind: 'relativeBias', maxDistance: 128 },
    },
    {
      ...base,
      id: 'flex-sliding-window',
      title: `FlexAttention, sliding window of ${window}, S${seqlen} D${base.headDim}`,
      mod: { kind: 'slidingWindow', window },
    },
  ];
}

/** The size of the problems: for a test, for a CPU adapter, for a GPU. */
export type Size = 'smallest' | 'cpu' | 'gpu';

/** The values of a size; lengths in tokens. */
export interface Scale {
  /** Lengths of forward self-attention. The batch is as large as `tokens` allows. */
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
  /** Least milliseconds of a timed sample; shorter calls are repeated. */
  readonly sampleMs: number;
  readonly rounds: number;
  /** Seconds after which no further round of a case begins. */
  readonly seconds: number;
}

/** The sizes. A GPU gets 16k tokens and a hidden size of 2048, as in FlashAttention's own benchmark. */
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

/** Returns the size for an adapter. */
export function sizeFor({ capabilities }: Pick<Gpu, 'capabilities'>): Size {
  return capabilities.adapter.isFallbackAdapter ? 'cpu' : 'gpu';
}
