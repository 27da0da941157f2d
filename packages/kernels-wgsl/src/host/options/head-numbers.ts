import type { Tensor } from '@heed/core';
import { checkTensor, fail, formatShape } from '@heed/core/kernel';
import type { ScoreHook } from '../../text/parts/hook.ts';
import { type ParamField, u32Fields } from '../../text/parts/params.ts';
import { type BoundHook, type OptionContext, perQueryHead } from './attention-option.ts';

/**
 * Numbers on the GPU, one for all query heads or one for each: f32 [] or [Hq]. A hook that reads them from `captures` has the fields
 * `<name>` (offset) and `<name>_head` (stride), and its gradient `<name>_each`, which is 1 if each head has its own.
 */
export const headNumberFields = (name: string): ParamField[] => u32Fields(name, `${name}_head`);

export function checkHeadNumbers(
  value: Tensor,
  name: string,
  { fn, gpu, qHeads }: OptionContext,
): void {
  checkTensor(fn, name, value, { rank: [0, 1], dtype: ['f32'], gpu });
  const { shape } = value;
  if (shape.length === 0 || shape[0] === qHeads) return;
  fail(
    fn,
    `${name} must be a number, or a tensor [] or [${qHeads}]`,
    formatShape(shape),
    perQueryHead,
  );
}

/** Binds numbers to the hook that reads them under a name. */
export function boundHeadNumbers(hook: ScoreHook, name: string, numbers: Tensor): BoundHook {
  return {
    hook,
    tables: [numbers],
    values: ([place]) => ({ [name]: place!.offset, [`${name}_head`]: place!.strides[0] ?? 0 }),
    gradientValues: () => ({ [`${name}_each`]: numbers.shape.length }),
  };
}
