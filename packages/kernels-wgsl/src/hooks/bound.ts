import type { Tensor } from '@heed/core';
import type { TablePlace, WordSource } from '../run/word-source.ts';
import type { AttentionOptions } from '../api/options.ts';
import type { ParamValues } from '../wgsl/params.ts';
import { alibi } from './alibi.ts';
import { band, bandValues } from './band.ts';
import type { MaskHook, ScoreHook } from './contract.ts';
import { softcap } from './softcap.ts';

/** A hook and the data of one call: the hook selects the kernel, the data never do. */
export interface BoundHook {
  readonly hook: ScoreHook | MaskHook;
  /** What it reads from `captures`. */
  readonly tables: readonly WordSource[];
  /** Values of the hook's params, once it is known where each table lies. */
  readonly values: (places: readonly TablePlace[]) => ParamValues;
  /** Values of its gradient's params, where it has any. */
  readonly gradientValues?: (places: readonly TablePlace[]) => ParamValues;
  /** The bit planes of a block mask, for a hook that has blocks. */
  readonly blocks?: Tensor;
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
  return {
    hook: alibi,
    tables: [slopes],
    values: ([place]) => ({
      slopes: place!.offset,
      slopes_batch: place!.strides.at(-2) ?? 0,
      slopes_head: place!.strides.at(-1)!,
    }),
    gradientValues: () => ({ slopes_width: slopes.shape.length === 2 ? slopes.shape[1]! : 0 }),
  };
}

function boundBand({ causal = false, window = [-1, -1] }: AttentionOptions): BoundHook {
  const values = { ...bandValues(causal, window) };
  return { hook: band, tables: [], values: () => values };
}
