import type { AmdFigures } from '../amd/amd-figures.ts';
import type { NvidiaFigures } from '../nvidia/nvidia-figures.ts';

/** The names of numbers that a compiler's figures of a kernel have. Both vendors' figures have the same names where they mean the same. */
export type FigureName = Exclude<keyof AmdFigures | keyof NvidiaFigures, 'kinds'>;

/** A kernel with its figures. */
export interface InspectedKernel {
  readonly name: string;
  readonly label: string;
  readonly figures: Readonly<Partial<Record<FigureName, number>>>;
}
