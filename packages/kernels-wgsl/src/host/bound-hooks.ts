import type { Tensor } from '@heed/core';
import { alibi } from '../text/hooks/alibi.ts';
import { band, bandValues, UNBOUNDED } from '../text/hooks/band.ts';
import { held } from '../text/hooks/held.ts';
import { softcap } from '../text/hooks/softcap.ts';
import type { MaskHook, ScoreHook } from '../text/parts/hook.ts';
import type { ParamValues } from '../text/parts/params.ts';
import type { AttentionOptions } from './attention-options.ts';
import type { TablePlace, WordSource } from './launch-target.ts';

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

/** The mask of a cache with these options. */
export function boundHeld(window: number, sinkTokens: number): BoundHook {
  const values = {
    held_left: Math.min(window, UNBOUNDED),
    held_first: Math.min(sinkTokens, UNBOUNDED),
  };
  return { hook: held, tables: [], values: () => values };
}
