import type { CompiledKernel } from '../compile/compiled-kernel.ts';
import { type AmdFigures, amdFigures } from './amd-figures.ts';

/** A kernel with its figures. */
export interface InspectedKernel {
  readonly name: string;
  readonly label: string;
  readonly figures: AmdFigures;
}

/** Returns the figures of kernels on a family; those of f16 also have the ratio of their code to that of f32. */
export function inspectKernels(
  family: string,
  kernels: readonly CompiledKernel[],
): InspectedKernel[] {
  const inspected = kernels.map((kernel) => ({
    name: kernel.name,
    label: kernel.label,
    figures: amdFigures(family, kernel),
  }));
  const code = new Map(inspected.map(({ name, figures }) => [name, figures.codeBytes]));
  return inspected.map((one) => {
    const codeOfF32 = code.get(one.name.replace('f16', 'f32'));
    if (codeOfF32 === undefined || !one.name.includes('f16')) return one;
    return { ...one, figures: { ...one.figures, codeByF32: one.figures.codeBytes / codeOfF32 } };
  });
}
