import type { Tensor } from '@heed/core';
import type { AttentionOptions } from '../api/options.ts';
import type { ParamValues } from '../wgsl/params.ts';
import { alibi } from './alibi.ts';
import { band, bandValues } from './band.ts';
import type { MaskHook, ScoreHook } from './contract.ts';
import { softcap } from './softcap.ts';

/** A hook and the data of one call: the hook selects the kernel, the data never do. */
export interface BoundHook {
  readonly hook: ScoreHook | MaskHook;
  /** What it reads from `captures`: tensors of words, of rank 1 or 2. */
  readonly tables: readonly Tensor[];
  /** Values of the hook's params. Table i lies row-major from word `offsets[i]` on, whatever its own strides. */
  readonly values: (offsets: readonly number[]) => ParamValues;
}

/** The hooks that options stand for, in the order in which they apply. */
export function optionHooks(o: AttentionOptions): BoundHook[] {
  const scores = [
    o.softcap !== undefined && boundSoftcap(o.softcap),
    o.alibiSlopes !== undefined && boundAlibi(o.alibiSlopes),
  ];
  return [...scores.filter((hook) => hook !== false), boundBand(o)];
}

function boundSoftcap(cap: number): BoundHook {
  return { hook: softcap, tables: [], values: () => ({ softcap: cap }) };
}

function boundAlibi(slopes: Tensor): BoundHook {
  const { shape } = slopes;
  return {
    hook: alibi,
    tables: [slopes],
    values: ([offset]) => ({
      slopes: offset!,
      slopes_batch: shape.length === 2 ? shape[1]! : 0,
      slopes_head: 1,
    }),
  };
}

function boundBand({ causal = false, window = [-1, -1] }: AttentionOptions): BoundHook {
  const values = { ...bandValues(causal, window) };
  return { hook: band, tables: [], values: () => values };
}
