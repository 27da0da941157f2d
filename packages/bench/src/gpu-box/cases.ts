import type { BoxCase } from './case.ts';
import type { Scale } from './sizes.ts';

/** The cases of a size, in the order they run. */
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
