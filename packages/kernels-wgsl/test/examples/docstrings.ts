import { type Gpu, openGpu, type Tensor } from '@heed/core';
import {
  attention,
  type AttentionProblem,
  attentionVjp,
  attentionWeights,
  keyMass,
  mergeStates,
  planAttention,
  topKeys,
  tune,
  tuneCandidates,
  varlenAttention,
  varlenAttentionVjp,
} from '@heed/kernels-wgsl';

/** The `@example` of attention. */
export function attentionExample(q: Tensor, k: Tensor, v: Tensor): Tensor[] {
  const { out, lse } = attention(q, k, v, { causal: true, returnLse: true });
  return [out, lse];
}

/** The `@example` of varlenAttention. */
export function varlenExample(q: Tensor, k: Tensor, v: Tensor): Tensor[] {
  const cuSeqlensQ = Int32Array.of(0, 5, 12); // two documents, of 5 and 7 tokens
  const { out } = varlenAttention(q, k, v, { cuSeqlensQ, causal: true });
  return [out];
}

/** The `@example` of attentionVjp. */
export function attentionVjpExample(q: Tensor, k: Tensor, v: Tensor, dOut: Tensor): Tensor[] {
  const { out, backward } = attentionVjp(q, k, v, { causal: true });
  const { dq, dk, dv } = backward(dOut);
  return [dq, dk, dv, out];
}

/** The `@example` of varlenAttentionVjp. */
export function varlenVjpExample(q: Tensor, k: Tensor, v: Tensor, dOut: Tensor): Tensor[] {
  const { backward } = varlenAttentionVjp(q, k, v, { cuSeqlensQ: Int32Array.of(0, 5, 12) });
  const { dq, dk, dv } = backward(dOut);
  return [dq, dk, dv];
}

/** The `@example` of mergeStates. */
export function mergeExample(
  q: Tensor,
  [k1, v1]: readonly [Tensor, Tensor],
  [k2, v2]: readonly [Tensor, Tensor],
): Tensor[] {
  const near = attention(q, k1, v1, { returnLse: true });
  const far = attention(q, k2, v2, { returnLse: true });
  const { out, lse } = mergeStates([near, far]);
  return [out, lse];
}

/** The `@example` of topKeys. */
export function topKeysExample(q: Tensor, k: Tensor): Tensor {
  const keys = topKeys(q, k, { topK: 2048, causal: true });
  return keys;
}

/** The `@example` of attentionWeights. */
export function weightsExample(q: Tensor, k: Tensor, v: Tensor): Tensor[] {
  const { lse } = attention(q, k, v, { causal: true, returnLse: true });
  const seen = attentionWeights(q, k, { causal: true, lse, rows: [4, 8] });
  return [lse, seen];
}

/** The `@example` of keyMass. */
export function keyMassExample(q: Tensor, k: Tensor): Tensor {
  const mass = keyMass(q, k, { causal: true }); // [B, Hq, Lk]; the sum over its keys is Lq
  return mass;
}

/** The `@example` of planAttention. */
export async function planExample(gpu: Gpu, q: Tensor, k: Tensor, v: Tensor): Promise<Tensor[]> {
  const problem = { layout: 'dense', q: [1, 8, 1024, 64], k: [1, 8, 1024, 64] } as const;
  const plan = planAttention(gpu, problem);
  await plan.warmup();
  const { out } = plan.run({ q, k, v, causal: true });
  plan.dispose();
  return [out];
}

/** The `@example` of tune. */
export async function tuneExample(gpu: Gpu, problem: AttentionProblem): Promise<string> {
  const tuning = await tune(gpu, [problem], { seconds: 10 });
  const tuned = await openGpu({ tuning: JSON.parse(JSON.stringify(tuning)) });
  const result = planAttention(tuned, problem).describe();
  tuned.dispose();
  return result;
}

/** The `@example` of tuneCandidates. */
export function tuneCandidatesExample(gpu: Gpu, problem: AttentionProblem): number {
  const [{ key, tiles, splits }] = tuneCandidates(gpu, problem);
  return key.length * (tiles.length + splits.length);
}
