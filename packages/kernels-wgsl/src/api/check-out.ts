import { type Gpu, type Tensor, UnsupportedError } from '@heed/core';
import {
  checkTensor,
  fail,
  formatShape,
  hasEvenRows,
  isContiguous,
  isTensor,
} from '@heed/core/kernel';
import type { AttentionOptions } from '../host/attention-options.ts';
import type { BoundHook } from '../host/options/attention-option.ts';

/** The input tensors of a call; a kernel reads all of them. */
export interface Inputs {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly options: object;
  readonly hooks: readonly BoundHook[];
}

/** Checks `out`: it has the result's shape and dtype, its elements do not overlap, and its buffer holds no input. */
export function checkOut(
  { fn, gpu }: { fn: string; gpu: Gpu },
  out: Tensor,
  shape: readonly number[],
  inputs: Inputs,
): void {
  checkTensor(fn, 'out', out, { rank: shape.length, dtype: [inputs.q.dtype], gpu });
  if (out.shape.some((n, i) => n !== shape[i])) {
    const fix = 'Leave it out to have it made.';
    fail(fn, `out must be ${formatShape(shape)}`, formatShape(out.shape), fix);
  }
  checkApart(fn, out, inputs);
  if (overlapsItself(out)) {
    const got = `strides ${formatShape(out.strides)}`;
    fail(fn, 'the elements of out must lie apart', got, 'Broadcast views cannot be written.');
  }
  checkHalfRows(fn, out);
}

function checkApart(fn: string, out: Tensor, { q, k, v, options, hooks }: Inputs): void {
  const apart = (input: unknown, name: string): void => {
    if (!isTensor(input) || input.buffer !== out.buffer) return;
    fail(
      fn,
      `out may not share a buffer with ${name}`,
      'one buffer for both',
      'WebGPU cannot read and write one buffer in a dispatch: give out a buffer of its own.',
    );
  };
  apart(q, 'q');
  apart(k, 'k');
  apart(v, 'v');
  for (const name in options) if (name !== 'out') apart(options[name as keyof object], name);
  apart((options as AttentionOptions).dropout?.seed, 'dropout.seed');
  for (const { tables } of hooks) {
    for (let i = 0; i < tables.length; i++) apart(tables[i], `captured tensor ${i}`);
  }
}

/** Returns whether two indices may address the same element. Exact for views made by permute, slice and reshape. */
function overlapsItself({ shape, strides }: Tensor): boolean {
  if (isContiguous(shape, strides)) return false;
  const axes = shape
    .map((n, i) => [n, strides[i]!] as const)
    .filter(([n]) => n > 1)
    .toSorted((a, b) => a[1] - b[1]);
  let reach = 0;
  for (const [n, stride] of axes) {
    if (stride <= reach) return true;
    reach += (n - 1) * stride;
  }
  return false;
}

function checkHalfRows(fn: string, { gpu, dtype, shape, strides, byteOffset }: Tensor): void {
  if (!hasEvenRows(dtype, gpu.capabilities)) return;
  const rows = strides.slice(0, -1).filter((_, i) => shape[i]! > 1);
  const whole = byteOffset % 4 === 0 && rows.every((stride) => stride % 2 === 0);
  if (whole && (strides.at(-1) === 1 || shape.at(-1) === 1)) return;
  throw new UnsupportedError(
    `${fn}: out in ${dtype}${dtype === 'f16' ? ' without shader-f16' : ''} needs rows that start on whole words (even strides, last stride 1); ` +
      `got strides ${formatShape(strides)}, offset ${byteOffset} bytes. Leave out away, or use f32.`,
  );
}
