import type { DType } from '../text/dtype.ts';
import { show, ValidationError } from '../text/errors.ts';
import type { Gpu, Tensor } from '../text/gpu.ts';
import { formatShape } from '../text/shape.ts';
import { assertAlive, isTensor } from './tensor.ts';

/** The rules that {@link checkTensor} can check. */
export interface TensorRules {
  /** Allowed number of dimensions. */
  readonly rank?: number | readonly number[];
  readonly dtype?: readonly DType[];
  /** The Gpu of the other arguments. */
  readonly gpu?: Gpu;
}

/**
 * Checks one tensor argument.
 * @param fn the public function that was called
 * @param name the argument's name there
 * @throws ValidationError not a tensor, wrong rank, wrong dtype, another Gpu
 * @throws DisposedError its memory was freed
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

const known = new WeakMap<Tensor, Int32Array>();

/** Records the contents of a list on the GPU, for code that cannot read it back. Only the maker of the tensor may call it. */
export function setKnownList(tensor: Tensor, values: Int32Array): void {
  known.set(tensor, values);
}

/** Returns the values of an integer list that the host knows: the list itself, or the recorded contents of a tensor. */
export function knownList(list: Int32Array | Tensor | undefined): Int32Array | undefined {
  return list instanceof Int32Array ? list : known.get(list as Tensor);
}
