import type { Gpu, Tensor } from '@heed/core';
import { flexAttention } from '@heed/flex';
import { slidingWindow } from '@heed/flex/masks';
import { relativeBias } from '@heed/flex/mods';
import { attention, attentionVjp } from '@heed/kernels-wgsl';
import type { BoxCase } from './case.ts';
import { filled } from './fill.ts';
import type { Output } from './probe.ts';
import { valuesFrom } from './values.ts';

/** A case with its tensors, ready to be called. */
export interface HeedCall {
  readonly how: string;
  /** Computes once; nobody waits. The outputs are valid until the next call. */
  readonly call: () => Partial<Record<Output, Tensor>>;
  readonly tensors: readonly Tensor[];
}

interface Inputs {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/** Makes the tensors of a case on the GPU, and the call. */
export function heedCall(gpu: Gpu, c: BoxCase): HeedCall {
  const query = [c.batch, c.headsQ, c.seqlenQ, c.headDim];
  const key = [c.batch, c.headsKv, c.seqlenK, c.headDim];
  const inputs = {
    q: filled(gpu, 'q', query),
    k: filled(gpu, 'k', key),
    v: filled(gpu, 'v', key),
  };
  if (c.pass === 'backward') return backward(inputs, c, filled(gpu, 'dOut', query));
  const out = gpu.empty(query, { dtype: 'f16', label: 'out' });
  return forward(gpu, inputs, c, out);
}

function forward(gpu: Gpu, { q, k, v }: Inputs, c: BoxCase, out: Tensor): HeedCall {
  const tensors = [q, k, v, out];
  const { causal, mod } = c;
  if (mod?.kind === 'relativeBias') {
    const { maxDistance } = mod;
    const shape = [c.headsQ, 2 * maxDistance + 1] as const;
    const bias = gpu.tensor(valuesFrom('bias', 0, shape[0] * shape[1]), {
      shape: [...shape],
      dtype: 'f16',
    });
    const options = { scoreMod: relativeBias, captures: { bias, maxDistance }, out };
    return {
      how: 'flexAttention(q, k, v, { scoreMod: relativeBias })',
      call: () => flexAttention(q, k, v, options),
      tensors: [...tensors, bias],
    };
  }
  if (mod?.kind === 'slidingWindow') {
    const options = { maskMod: slidingWindow, captures: { window: mod.window }, out };
    return {
      how: 'flexAttention(q, k, v, { maskMod: slidingWindow })',
      call: () => flexAttention(q, k, v, options),
      tensors,
    };
  }
  return {
    how: causal ? 'attention(q, k, v, { causal: true })' : 'attention(q, k, v)',
    call: () => attention(q, k, v, { causal, out }),
    tensors,
  };
}

function backward({ q, k, v }: Inputs, { causal }: BoxCase, dOut: Tensor): HeedCall {
  const kept = attentionVjp(q, k, v, { causal });
  let latest: readonly Tensor[] = [];
  return {
    how: `attentionVjp(q, k, v, { causal: ${causal} }).backward(dOut)`,
    call() {
      for (const tensor of latest) tensor.dispose();
      const { dq, dk, dv } = kept.backward(dOut);
      latest = [dq, dk, dv];
      return { dq, dk, dv };
    },
    get tensors() {
      return [q, k, v, dOut, kept.out, ...(kept.lse ? [kept.lse] : []), ...latest];
    },
  };
}
