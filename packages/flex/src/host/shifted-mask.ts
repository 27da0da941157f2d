import { bind } from '../text/compile/compose.ts';
import type { Captures, MaskMod } from '../text/compile/mod-types.ts';
import type { BlockMaskParts } from './block-mask-parts.ts';
import type { BlockProblem } from './block-problem.ts';

interface Shift {
  readonly mask: MaskMod<never>;
  readonly batch0: number;
  readonly head0: number;
  readonly query0: number;
}

/** A mask over a slice of its problem: it sees the batch entry, the head and the position in the whole. */
const shiftedMask: MaskMod<Shift & Record<string, never>> = (b, h, q, kv, c, info) =>
  c.mask(b + c.batch0, h + c.head0, q + c.query0, kv, c as never, info);

const unmoved = { batch0: 0, head0: 0, query0: 0 };

export interface ShiftedMask {
  readonly problem: BlockProblem;
  readonly maskMod: Function;
  readonly captures: Shift;
}

/** Returns the problem of a slice, and the mask with shifted arguments. The offsets of a slice of a slice add up. */
export function shifted(
  { problem, maskMod, captures = {} }: Pick<BlockMaskParts, 'problem' | 'maskMod' | 'captures'>,
  axis: 0 | 1 | 2,
  start: number,
  end: number,
): ShiftedMask {
  const offsets =
    maskMod === shiftedMask
      ? (captures as Shift)
      : { mask: bind(maskMod as MaskMod<never>, captures as Captures), ...unmoved };
  const { batch0, head0, query0 } = offsets;
  if (axis === 1) {
    const part = { ...problem, heads: end - start };
    return { problem: part, maskMod: shiftedMask, captures: { ...offsets, head0: head0 + start } };
  }
  if (axis === 0) {
    const { used } = problem.given;
    const usedPart =
      used instanceof Int32Array ? used.slice(start, end) : used?.slice(0, start, end);
    const given = usedPart ? { used: usedPart } : {};
    const part = { ...problem, batch: end - start, given };
    return {
      problem: part,
      maskMod: shiftedMask,
      captures: { ...offsets, batch0: batch0 + start },
    };
  }
  const firstRow = start * problem.blockM;
  const seqlenQ = Math.max(0, Math.min(end * problem.blockM, problem.seqlenQ) - firstRow);
  // With align 'end' the diagonal of the slice itself moves by the number of rows that it lacks.
  const own = problem.align === 'end' ? problem.seqlenQ - seqlenQ : 0;
  const part = { ...problem, seqlenQ };
  return {
    problem: part,
    maskMod: shiftedMask,
    captures: { ...offsets, query0: query0 + firstRow - own },
  };
}
