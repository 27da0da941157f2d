import type { DType, Gpu, Tensor } from '@heed/core';
import { Scope } from '../../problems/case-tensors.ts';
import { sizeOf } from '../../reference/nd-array.ts';

/** The class of the error that a rejected value must throw. */
type Refusal = 'ValidationError' | 'DisposedError' | 'UnsupportedError';

/** One rule of the API, with values on both sides of its boundary. */
export interface Rule {
  readonly name: string;
  /** The name of the function, with which the message must start. */
  readonly fn: string;
  /** A pattern that the message must match. */
  readonly says: RegExp;
  readonly refusal: Refusal;
  readonly accepts: readonly Value[];
  readonly rejects: readonly Value[];
}

/** A value of the argument under test: its part of the case id, and the call that passes it. */
export interface Value {
  readonly label: string;
  readonly call: (bench: Bench) => unknown;
}

/** Declares a rule: the call that takes the value under test, accepted values, rejected values. */
export type Boundary = <T>(
  name: string,
  says: RegExp,
  call: (bench: Bench, value: T) => unknown,
  accepts: readonly T[],
  rejects: readonly T[],
  refusal?: Refusal,
) => Rule;

/** Returns the declaration of rules for one function. */
export function boundaryOf(fn: string): Boundary {
  return (name, says, call, accepts, rejects, refusal = 'ValidationError') => {
    const values = (list: typeof accepts): Value[] =>
      list.map((value) => ({ label: labelOf(value), call: (bench) => call(bench, value) }));
    return { name, fn, says, refusal, accepts: values(accepts), rejects: values(rejects) };
  };
}

function labelOf(value: unknown): string {
  return Array.isArray(value) ? `[${String(value)}]` : String(value);
}

/** Allocates the small tensors of validation calls, and frees them. */
export class Bench {
  readonly scope: Scope;

  constructor(gpu: Gpu) {
    this.scope = new Scope(gpu);
  }

  /** Allocates a tensor of ones: any finite value will do. */
  tensor(shape: readonly number[], dtype: DType = 'f32'): Tensor {
    const ones = Array<number>(sizeOf(shape)).fill(1);
    return this.scope.own(
      this.scope.gpu.tensor(ones, { shape: [...shape], dtype, label: 'validation' }),
    );
  }

  integers(
    list: readonly number[],
    shape: readonly number[] = [list.length],
    dtype: DType = 'i32',
  ): Tensor {
    return this.scope.own(
      this.scope.gpu.tensor(list, { shape: [...shape], dtype, label: 'validation lengths' }),
    );
  }

  disposed(shape: readonly number[]): Tensor {
    const tensor = this.tensor(shape);
    tensor.dispose();
    return tensor;
  }
}
