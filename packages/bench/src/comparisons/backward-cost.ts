import type { Gpu, Tensor } from '@heed/core';
import { flexAttentionVjp } from '@heed/flex';
import { relativeBias } from '@heed/flex/mods';
import { type Gradients, attentionVjp } from '@heed/kernels-wgsl';
import type { Contestant, Job } from '../measure/bench-results.ts';
import type { DenseInputs } from './dense-contestants.ts';

type Operands = readonly [q: Tensor, k: Tensor, v: Tensor];

interface Differentiated {
  readonly out: Tensor;
  readonly lse?: Tensor;
  readonly backward: (dOut: Tensor) => Gradients & { readonly dCaptures?: Record<string, Tensor> };
}

interface BackwardCall extends Omit<Contestant, 'prepare'> {
  readonly call: (gpu: Gpu, owned: (tensor: Tensor) => Tensor) => (qkv: Operands) => Differentiated;
  /** Times the forward pass, not the backward. */
  readonly forward?: boolean;
}

/** One pass of a differentiable call: dq, dk and dv are computed, dv is read. */
function contestant(
  makeInputs: () => DenseInputs,
  { call, forward, ...rest }: BackwardCall,
): Contestant {
  return {
    ...rest,
    async prepare(gpu): Promise<Job> {
      const { shape, q, k, v } = makeInputs();
      const tensors: Tensor[] = [];
      const owned = (tensor: Tensor): Tensor => {
        tensors.push(tensor);
        return tensor;
      };
      const qkv = [q, k, v].map(({ data }) => owned(gpu.tensor(data, { shape: [...shape] })));
      const run = call(gpu, owned);
      const kept = run(qkv as unknown as Operands);
      owned(kept.out);
      if (kept.lse) owned(kept.lse);
      const dOut = qkv[0]!;
      return {
        run: forward
          ? async () => {
              const { out, lse } = run(qkv as unknown as Operands);
              await out.read();
              out.dispose();
              lse?.dispose();
            }
          : async () => {
              const { dCaptures = {}, ...gradients } = kept.backward(dOut);
              await gradients.dv.read();
              for (const tensor of [...Object.values(gradients), ...Object.values(dCaptures)]) {
                tensor.dispose();
              }
            },
        dispose: () => tensors.forEach((tensor) => tensor.dispose()),
      };
    },
  };
}

/** Compares backward with forward, both causal. */
export function backwardBesideForward(inputs: () => DenseInputs): Contestant[] {
  const call: BackwardCall['call'] = () => (qkv) => attentionVjp(...qkv, { causal: true });
  return [
    contestant(inputs, {
      name: 'forward',
      how: 'attentionVjp(q, k, v, { causal: true })',
      call,
      forward: true,
    }),
    contestant(inputs, { name: 'backward', how: '.backward(dOut)', atMost: 4, call }),
  ];
}

const WIDTH = 257;

/** Compares backward through score mods with plain backward. */
export function backwardOfMods(inputs: () => DenseInputs): Contestant[] {
  const biased =
    (grads: readonly string[]): BackwardCall['call'] =>
    (gpu, owned) => {
      const bias = owned(gpu.tensor(new Float32Array(8 * WIDTH), { shape: [8, WIDTH] }));
      const options = { scoreMod: relativeBias, captures: { bias, maxDistance: 128 }, grads };
      return (qkv) => flexAttentionVjp(...qkv, options);
    };
  return [
    contestant(inputs, {
      name: 'plain',
      how: 'attentionVjp(q, k, v).backward(dOut)',
      call: () => (qkv) => attentionVjp(...qkv),
    }),
    contestant(inputs, {
      name: 'trivial',
      how: 'scoreMod: (score) => score',
      atMost: 1 / 0.95,
      call: () => (qkv) => flexAttentionVjp(...qkv, { scoreMod: (score) => score }),
    }),
    contestant(inputs, {
      name: 'relative bias',
      how: 'scoreMod: relativeBias, grads: []',
      atMost: 1 / 0.85,
      call: biased([]),
    }),
    contestant(inputs, {
      name: 'and its table',
      how: "scoreMod: relativeBias, grads: ['bias']",
      call: biased(['bias']),
    }),
  ];
}
