import type { Tensor } from '@heed/core';
import { checkTensor, fail, formatShape, isTensor, show, wgsl } from '@heed/core/kernel';
import type { DropHook } from '../../text/parts/hook.ts';
import { NONE } from '../../text/parts/params.ts';
import type { AttentionOption, BoundHook } from './attention-option.ts';

/** Which weights a call drops. */
export interface Dropout {
  /** Share of the weights that are dropped, 0 ≤ rate < 1. A threshold of 2⁻³² steps: rates nearer to 1 than 2⁻³² count as 1 − 2⁻³². */
  readonly rate: number;
  /**
   * An integer from 0 to 2⁵³ − 1, or a u32 tensor [2] of its low and its high 32 bits, which the GPU reads when the work runs; a
   * forward call that a gradient follows keeps a copy for it.
   */
  readonly seed: number | Tensor;
}

export interface DropoutOption {
  /**
   * Drops weights of the softmax before they multiply v, and scales the others by 1 / (1 − rate); lse, max and sinks know nothing of it.
   * Whether a pair is dropped depends on the seed, the sequence, the query head and the logical positions of the query and the key alone:
   * it is the same on every adapter, kernel and split.
   */
  readonly dropout?: Dropout;
}

export const dropout: AttentionOption<Dropout> = {
  names: { rate: 1, seed: 1 },
  check: ({ rate, seed }, _, { fn, gpu }) => {
    if (!(typeof rate === 'number' && rate >= 0 && rate < 1)) {
      const fix = 'Leave dropout out for none.';
      fail(fn, 'dropout.rate must be a number from 0 up to, but not, 1', show(rate), fix);
    }
    if (isTensor(seed)) {
      checkTensor(fn, 'dropout.seed', seed, { rank: 1, dtype: ['u32'], gpu });
      if (seed.shape[0] === 2) return;
      const rule = 'dropout.seed must be [2]: the low and the high 32 bits';
      fail(
        fn,
        rule,
        formatShape(seed.shape),
        'Pass a number, or gpu.tensor(Uint32Array.of(low, high), { shape: [2] }).',
      );
    }
    if (Number.isSafeInteger(seed) && seed >= 0) return;
    const rule = 'dropout.seed must be an integer from 0 to 2^53 − 1, or a u32 tensor [2]';
    fail(fn, rule, show(seed), 'Pass another seed for each step.');
  },
  sample: () => ({ rate: 0.1, seed: 1 }),
};

const WORD = 2 ** 32;

/** Returns the hook of a call's dropout. The rate and the seed are data; a seed on the GPU is read from `captures`. */
export function boundDropout({ rate, seed }: Dropout): BoundHook {
  const below = Math.min(Math.round(rate * WORD), WORD - 1);
  const known = typeof seed === 'number';
  const values = {
    drop_below: below,
    keep_scale: 1 / (1 - below / WORD),
    drop_low: known ? seed % WORD : 0,
    drop_high: known ? Math.floor(seed / WORD) : 0,
  };
  return {
    hook: dropHook,
    tables: known ? [] : [seed],
    values: ([place]) => ({
      ...values,
      drop_seed: place?.offset ?? NONE,
      drop_seed_next: place?.strides[0] ?? 0,
    }),
  };
}

/** Returns hooks whose dropout reads its seed from another tensor. */
export function withSeed(
  hooks: readonly BoundHook[],
  { rate }: Dropout,
  seed: Tensor,
): BoundHook[] {
  return hooks.map((bound) => (bound.hook === dropHook ? boundDropout({ rate, seed }) : bound));
}

/** A counter generator: two rounds of a 32-bit mixer (Chris Wellons' lowbias32) of the row, then of the key. */
export const dropHook: DropHook = {
  kind: 'drop',
  name: 'dropout',
  params: [
    { name: 'drop_below', type: 'u32' },
    { name: 'keep_scale', type: 'f32' },
    { name: 'drop_low', type: 'u32' },
    { name: 'drop_high', type: 'u32' },
    { name: 'drop_seed', type: 'u32' },
    { name: 'drop_seed_next', type: 'u32' },
  ],
  constants: [{ name: 'drop_key', type: 'u32', expression: 'row_drop_key(row)' }],
  wgsl: wgsl`
    fn scrambled(x: u32) -> u32 {
      var bits = x;
      bits ^= bits >> 16u;
      bits *= 0x7feb352du;
      bits ^= bits >> 15u;
      bits *= 0x846ca68bu;
      return bits ^ (bits >> 16u);
    }

    fn drop_seed() -> vec2<u32> {
      if (params.drop_seed == NONE) {
        return vec2<u32>(params.drop_low, params.drop_high);
      }
      return vec2<u32>(captures[params.drop_seed], captures[params.drop_seed + params.drop_seed_next]);
    }

    // What the keys of a row have in common. By logical positions, so that no tile, split or layout matters.
    fn row_drop_key(row: Row) -> u32 {
      let seed = drop_seed();
      let of_sequence = scrambled(scrambled(scrambled(seed.x) ^ seed.y) + u32(row.batch));
      let of_head = scrambled(of_sequence + u32(row.head));
      return scrambled(of_head + u32(row.query) * 0x85ebca6bu);
    }

    fn is_kept(drop_key: u32, key: i32) -> bool {
      return scrambled(u32(key) * 0x9e3779b1u + drop_key) >= params.drop_below;
    }
  `,
};
