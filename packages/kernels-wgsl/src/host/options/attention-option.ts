import type { DType, Gpu, Tensor } from '@heed/core';
import { fail, show } from '@heed/core/kernel';
import type { MaskHook, ScoreHook } from '../../text/parts/hook.ts';
import type { ParamValues } from '../../text/parts/params.ts';
import type { TablePlace, WordSource } from '../launch-target.ts';

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

/** The call that an option is checked against. */
export interface OptionContext {
  readonly fn: string;
  readonly gpu: Gpu;
  readonly batch: number;
  readonly qHeads: number;
}

/** Makes a tensor of a sample. `name` tells the tensors of one sample apart. */
export type MakeTensor = (name: string, shape: readonly number[], dtype: DType) => Tensor;

/** The problem that a sample belongs to. */
export interface SampledProblem {
  readonly qHeads: number;
  readonly causal: boolean;
}

/** An option of attention. Its docstring, its type and this descriptor stand in one file. */
export interface AttentionOption<Value = never> {
  /** Throws a ValidationError unless the value fits the call; missing where the layout checks it. */
  readonly check?: (value: Value, name: string, context: OptionContext) => void;
  /** The score hook that stands for the option. */
  readonly hook?: (value: Value) => BoundHook;
  /** A usual value. A problem has a flag for each option that has one; no kernel depends on the value. */
  readonly sample?: (problem: SampledProblem, make: MakeTensor) => unknown;
  /** Variants of attention express it by their own hooks. */
  readonly isVariant?: true;
  /** It concerns the result, not the attention. */
  readonly isResult?: true;
}

/** Whether x is a number, and finite as f32: 1e39 is finite to JavaScript and infinite to the kernel. */
export function isF32(x: unknown): x is number {
  return typeof x === 'number' && Number.isFinite(Math.fround(x));
}

export function checkFlag(fn: string, name: string, flag: unknown): void {
  if (flag !== undefined && typeof flag !== 'boolean') {
    fail(fn, `${name} must be a boolean`, show(flag), `Pass ${name}: true or leave it out.`);
  }
}

/** An option that is true or false. */
export const flagOption: AttentionOption<boolean> = {
  check: (value, name, { fn }) => checkFlag(fn, name, value),
  sample: () => true,
};

export const perQueryHead = 'Pass one value per query head.';
