import type { CompiledKernel } from '../compile/compiled-kernel.ts';
import { familyOf, wavesOf } from './gpu-family.ts';

/** The figures of a kernel, by name. */
export type Figures = Readonly<Record<string, number>>;

/** Returns the figures of a kernel on a family. */
export function amdFigures(family: string, kernel: CompiledKernel): Figures {
  const { statistics, lanes, threads } = kernel;
  const of = (name: string): number => statistics[name] ?? 0;
  const [vgprs, lds] = [of('VGPRs'), of('LDS size')];
  const waves = wavesOf(familyOf(family), { lanes, threads, vgprs, lds });
  return {
    lanes,
    vgprs,
    spills: of('Spilled VGPRs') + of('Spilled SGPRs'),
    scratchBytes: of('Scratch size'),
    ldsBytes: lds,
    wavesByRegisters: waves.byRegisters,
    wavesByLds: waves.byLds,
    codeBytes: of('Code size'),
    instructions: of('Instructions'),
  };
}
