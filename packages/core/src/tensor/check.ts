import type { Gpu, Tensor } from '../api.ts';
import type { DType } from '../dtype.ts';
import { ValidationError } from '../errors.ts';
import { show } from '../fail.ts';
import { assertAlive, isTensor } from './tensor.ts';
import { formatShape } from '../layout/shape.ts';

/** What {@link checkTensor} may ask of a tensor. */
export interface TensorRules {
  /** Allowed number of dimensions. */
  readonly rank?: number | readonly number[];
  readonly dtype?: readonly DType[];
  /** The Gpu that the other arguments belong to. */
  readonly gpu?: Gpu;
}

/**
 * Checks one tensor argument.
 * @param fn the public function that was called
 * @param name the argument's name there
 * @throws ValidationError not a tensor, wrong rank, wrong dtype, another Gpu
 * @throws DisposedError its memory was given back
 * @example checkTensor('attention', 'q', q, { rank: 4, dtype: ['f32', 'f16'] })
 */
export function checkTensor(fn: string, name: string, t: unknown, rules: TensorRules = {}): Tensor {
  if (!isTensor(t)) {
    throw new ValidationError(
      `${fn}: ${name} must be a Tensor; got ${show(t)}. Make one with gpu.tensor() or gpu.wrap().`,
    );
  }
  assertAlive(fn, t, name);
  const { rank, dtype, gpu } = rules;
  const { length } = t.shape;
  if (rank !== undefined && !(typeof rank === 'number' ? rank === length : rank.includes(length))) {
    const ranks = [rank].flat();
    throw new ValidationError(
      `${fn}: ${name} must have rank ${ranks.join(' or ')}; got shape ${formatShape(t.shape)}. Use reshape() or slice().`,
    );
  }
  if (dtype && !dtype.includes(t.dtype)) {
    throw new ValidationError(
      `${fn}: ${name} must be ${dtype.join(' or ')}; got ${t.dtype}. Make it with dtype: '${dtype[0]}'.`,
    );
  }
  if (gpu && t.gpu !== gpu) {
    const same =
      t.gpu.device === gpu.device ? 'another Gpu over the same device' : 'another device';
    throw new ValidationError(
      `${fn}: ${name} ("${t.label}") belongs to ${same}. Use one Gpu for all tensors, or gpu.wrap() its buffer.`,
    );
  }
  return t;
}
