import type { Tensor } from '@heed/core';
import { checkTensor, fail, formatShape, wgsl } from '@heed/core/kernel';
import type { ScoreHook } from '../../text/parts/hook.ts';
import { type AttentionOption, perQueryHead } from './attention-option.ts';

export interface AlibiSlopesOption {
  /** f32 [Hq] or [B, Hq]: adds −slope·|i + off − j|. */
  readonly alibiSlopes?: Tensor;
}

export const alibiSlopes: AttentionOption<Tensor> = {
  check: (slopes, _, { fn, gpu, batch, qHeads }) => {
    checkTensor(fn, 'alibiSlopes', slopes, { rank: [1, 2], dtype: ['f32'], gpu });
    const { shape } = slopes;
    if (shape.at(-1) === qHeads && (shape.length === 1 || shape[0] === batch)) return;
    const rule = `alibiSlopes must be [${qHeads}] or [${batch}, ${qHeads}]`;
    fail(fn, rule, formatShape(shape), perQueryHead);
  },
  hook: (slopes) => ({
    hook: alibi,
    tables: [slopes],
    values: ([place]) => ({
      slopes: place!.offset,
      slopes_batch: place!.strides.at(-2) ?? 0,
      slopes_head: place!.strides.at(-1)!,
    }),
    gradientValues: () => ({ slopes_width: slopes.shape.length === 2 ? slopes.shape[1]! : 0 }),
  }),
  sample: ({ qHeads }, make) => make('alibiSlopes', [qHeads], 'f32'),
  isVariant: true,
};

/** −slope·|query − key|, the form of flash-attention (Press et al., 2022). Slopes are [Hq] or [B, Hq]. */
export const alibi: ScoreHook = {
  kind: 'score',
  name: 'alibi',
  params: [
    { name: 'slopes', type: 'u32' },
    { name: 'slopes_batch', type: 'u32' },
    { name: 'slopes_head', type: 'u32' },
  ],
  constants: [
    {
      name: 'slope',
      type: 'f32',
      expression:
        'bitcast<f32>(captures[params.slopes + batch * params.slopes_batch + head * params.slopes_head])',
    },
  ],
  wgsl: wgsl`
    fn score_alibi(score: f32, row: Row, key: i32) -> f32 {
      return score - row.slope * f32(abs(row.query - key));
    }
  `,
  gradient: {
    params: [{ name: 'slopes_width', type: 'u32' }],
    reads: [{ table: 0, isPerRow: true }],
    hasScoreDerivative: false,
    wgsl: wgsl`
      fn score_derivative_alibi(score: f32, row: Row, key: i32) -> f32 {
        return 1.0;
      }

      fn partial_alibi_0(score: f32, row: Row, key: i32) -> f32 {
        return -f32(abs(row.query - key));
      }

      fn element_alibi_0(score: f32, row: Row, key: i32) -> u32 {
        return u32(row.batch) * params.slopes_width + u32(row.head);
      }
    `,
  },
};
