import type { Gpu } from '@heed/core';
import { type BlockClasses, createBlockMask } from '@heed/flex';
import type { Mods } from '../program/program.ts';
import { HEADS } from './problem.ts';

/** The blocks of a mask over a problem, on the CPU. */
export interface Blocks extends BlockClasses {
  readonly tokens: number;
  readonly blockSize: number;
}

/** At most 128 blocks a side, and at least 8: the picture stays readable. */
export function blockSizeOf(tokens: number): number {
  return tokens <= 1024 ? 32 : 128;
}

/** The blocks of the mask as the GPU finds them: all heads alike are one head. */
export async function gpuBlocks(
  gpu: Gpu,
  { maskMod, captures }: Mods,
  tokens: number,
  signal: AbortSignal,
): Promise<Blocks | undefined> {
  if (!maskMod) return undefined;
  const blockSize = blockSizeOf(tokens);
  using mask = createBlockMask(gpu, maskMod, {
    B: 1,
    H: HEADS,
    Lq: tokens,
    Lk: tokens,
    blockSize,
    captures,
  });
  return { ...(await mask.toDense({ signal })), tokens, blockSize };
}

/** How many blocks of a head have each class: empty, partial, full. */
export function countClasses(
  { shape, classes }: BlockClasses,
  head: number,
): [number, number, number] {
  const [, heads, rows, columns] = shape;
  const start = Math.min(head, heads - 1) * rows * columns;
  const counts: [number, number, number] = [0, 0, 0];
  for (const kind of classes.subarray(start, start + rows * columns)) counts[kind as 0 | 1 | 2]++;
  return counts;
}
