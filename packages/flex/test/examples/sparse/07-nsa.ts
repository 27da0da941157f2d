import type { Tensor } from '@heed/core';
import { flexAttentionVjp, type MaskMod, type ScoreMod, topKeys } from '@heed/flex';
import { type AttentionGradients, attentionVjp } from '@heed/kernels-wgsl';
import { gpu, inputs, numbers } from './setup.ts';

/** Rows per block, blocks that a row sees whole, and the last keys that it always sees. */
type Sizes = { size: number; topK: number; window: number };
type Captured = { size: number; scale: number; lse: Tensor };
type Vjp = ReturnType<typeof attentionVjp>;

const ended: MaskMod<{ size: number }> = (b, h, q, kv, c) => (kv + 1) * c.size <= q + 1;
const begun: MaskMod<Captured> = (b, h, q, kv, c) => kv * c.size <= q;
/** The weight of a block in the compressed branch. The first block and the row's own are always chosen. */
const importance: ScoreMod<Captured> = (score, b, h, q, kv, c) =>
  kv === 0 || kv === Math.floor(q / c.size) ? 1e9 : Math.exp(score * c.scale - c.lse[b]![h]![q]!);

/** The mean row of each block: a query of 0 weighs the rows of its block alike. */
function means(x: Tensor, size: number): Vjp {
  const [B = 0, H = 0, L = 0, D = 0] = x.shape;
  const count = Math.ceil(L / size);
  const zeros = gpu.tensor(new Float32Array(B * H * count * D), { shape: [B, H, count, D] });
  const blocks = Int32Array.from({ length: count }, (_, n) => n);
  const selectedKeys = gpu.tensor(blocks, { shape: [1, 1, count, 1] });
  return attentionVjp(zeros, x, x, { selectedKeys, selectedBlockSize: size });
}

interface Branches {
  /** The results of the compressed, the selected and the recent keys: the model's gates weigh them. */
  readonly outs: readonly [compressed: Tensor, selected: Tensor, recent: Tensor];
  readonly selectedKeys: Tensor;
  /** Takes the gradient by each result, and returns three sets of gradients, which belong together. */
  readonly backward: (dOuts: readonly Tensor[]) => Pick<AttentionGradients, 'dq' | 'dk' | 'dv'>[];
}

/** Native sparse attention of a prompt, whose blocks are compressed to their means. */
export function nsa(q: Tensor, k: Tensor, v: Tensor, { size, topK, window }: Sizes): Branches {
  const [B = 0, Hq = 0, L = 0, D = 0] = q.shape;
  const [, Hkv = 0] = k.shape;
  const [kMeans, vMeans] = [means(k, size), means(v, size)];
  const compressed = flexAttentionVjp(q, kMeans.out, vMeans.out, {
    maskMod: ended,
    captures: { size },
    align: 'start',
  });

  // Blocks are chosen once per kv head: each is an entry of the batch, and its query heads are summed.
  const [groups, group, count] = [B * Hkv, Hq / Hkv, kMeans.out.shape[2]!];
  const lists = topKeys(
    q.reshape([groups, group, L, D]),
    kMeans.out.reshape([groups, 1, count, D]),
    {
      topK,
      scoreMod: importance,
      maskMod: begun,
      captures: { size, scale: 1 / Math.sqrt(D), lse: compressed.lse.reshape([groups, group, L]) },
      align: 'start',
    },
  );
  const selectedKeys = lists.reshape([B, Hkv, L, topK]);
  const selected = attentionVjp(q, k, v, { selectedKeys, selectedBlockSize: size, causal: true });
  const recent = attentionVjp(q, k, v, { window: [window - 1, 0], causal: true });

  return {
    outs: [compressed.out, selected.out, recent.out],
    selectedKeys,
    backward([ofCompressed, ofSelected, ofRecent]) {
      const { dq, dk, dv } = compressed.backward(ofCompressed!);
      return [
        { dq, dk: kMeans.backward(dk).dv, dv: vMeans.backward(dv).dv },
        selected.backward(ofSelected!),
        recent.backward(ofRecent!),
      ];
    },
  };
}

const { outs, selectedKeys } = nsa(...inputs(8), { size: 2, topK: 3, window: 3 });
console.log(await numbers(selectedKeys.slice(2, 6, 8))); // [ 0, 1, 3, 0, 1, 3 ]
console.log(await numbers(outs[0])); // [ 0, 0.5, 0.5, 1.5, 1.5, 2.5, 2.5, 3.5 ]
console.log(await numbers(outs[1])); // [ 0, 0.5, 1, 1.5, 2, 2.5, 2.4, 3.167 ]
console.log(await numbers(outs[2])); // [ 0, 0.5, 1, 2, 3, 4, 5, 6 ]
