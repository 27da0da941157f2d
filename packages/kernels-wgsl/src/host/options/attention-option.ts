import type { DType, Gpu, Tensor } from '@heed/core';
import { fail, type OptionNames, show } from '@heed/core/kernel';
import type { AnyHook } from '../../text/parts/hook.ts';
import type { LengthKind } from '../../text/parts/kinds.ts';
import type { ParamValues } from '../../text/parts/params.ts';
import type { TablePlace, WordSource } from '../launch-target.ts';

/** A hook and the data of one call. The hook selects the kernel; the data never do. */
export interface BoundHook {
  readonly hook: AnyHook;
  /** Tables that the hook reads from `captures`. */
  readonly tables: readonly WordSource[];
  /** Returns the values of the hook's params, given the offset of each table. */
  readonly values: (places: readonly TablePlace[]) => ParamValues;
  /** Returns the values of the params of the hook's gradient, if it has any. */
  readonly gradientValues?: (places: readonly TablePlace[]) => ParamValues;
  /** Bit planes of a block mask, for a hook that has blocks. */
  readonly blocks?: Tensor;
}

/** The call that an option is checked against. */
export interface OptionContext {
  readonly fn: string;
  readonly gpu: Gpu;
  readonly lengths: LengthKind;
  readonly batch: number;
  readonly qHeads: number;
  readonly kvHeads: number;
  /** Lq, or Tq. */
  readonly seqlenQ: number;
}

/** Makes a tensor of a sample. `name` distinguishes the tensors of one sample. */
export type MakeTensor = (name: string, shape: readonly number[], dtype: DType) => Tensor;

/** The problem that a sample belongs to. */
export interface SampledProblem {
  readonly qHeads: number;
  readonly causal: boolean;
}

/** What a problem says of an option that may be a number or a tensor. */
export type OptionKind = 'number' | 'tensor';

/** Describes one option of attention. The option's docstring, type and descriptor are in one file. */
export interface AttentionOption<Value = never> {
  /** The table of its names, if the value is an object of options. */
  readonly names?: OptionNames;
  /** Throws a ValidationError unless the value fits the call; absent if the layout checks it. */
  readonly check?: (value: Value, name: string, context: OptionContext) => void;
  /** Returns the hook that implements the option. */
  readonly hook?: (value: Value) => BoundHook;
  /**
   * Returns a typical value, or undefined if the option would change no kernel. A problem has a flag for each option with a sample; no
   * kernel depends on the value.
   */
  readonly sample?: (problem: SampledProblem, make: MakeTensor, kind: OptionKind) => unknown;
  /** The flag of a problem may say whether the value is a number (as true does) or a tensor, which are different kernels. */
  readonly hasKinds?: true;
  /** Variants of attention implement it by their own hooks. */
  readonly isVariant?: true;
  /** The option concerns the result, not the computation. */
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

/** Checks the flag of an option that may be a number or a tensor. */
export function checkKind(fn: string, name: string, flag: unknown): void {
  if (flag === undefined || typeof flag === 'boolean' || flag === 'number' || flag === 'tensor') {
    return;
  }
  const fix = `Pass ${name}: 'tensor' for a tensor, or leave it out.`;
  fail(fn, `${name} must be a boolean, 'number' or 'tensor'`, show(flag), fix);
}

/** An option that is true or false. */
export const flagOption: AttentionOption<boolean> = {
  check: (value, name, { fn }) => checkFlag(fn, name, value),
  sample: () => true,
};

export const perQueryHead = 'Pass one value per query head.';
