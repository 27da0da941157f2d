import { readFileSync } from 'node:fs';
import type { CompiledKernel } from '../compile/compiled-kernel.ts';
import { type KernelFacts, multiplyAdds } from '../compile/kernel-facts.ts';
import { isInside, parseAssembly, type Program } from './control-flow.ts';
import { familyOf, wavesOf } from './gpu-family.ts';
import { bytesOf, type InstructionKind } from './instruction.ts';
import { loadingOf, type TileLoop, tileLoop, vectorCount, workOf } from './tile-loop.ts';

/**
 * The figures of a kernel. Those from `waits` on are of one tile, and undefined for kernels without a loop over tiles. Work is per lane;
 * "per tile" means per 32 rows × 32 keys and 64 threads, in decode per 32 keys of one kv head and 64 threads.
 */
export interface AmdFigures {
  /** Lanes of a wave. */
  readonly lanes: number;
  readonly vgprs: number;
  readonly spills: number;
  readonly scratchBytes: number;
  readonly ldsBytes: number;
  /** Waves per SIMD that the registers and the LDS allow. */
  readonly wavesByRegisters: number;
  readonly wavesByLds: number;
  readonly codeBytes: number;
  readonly instructions: number;
  /** Bytes of code, by those of the same kernel for f32. */
  readonly codeByF32?: number;
  /** Stops for global loads per tile. */
  readonly waits?: number;
  /** Multiply-adds that the tile needs, by the vector instructions that it takes. */
  readonly multiplyAddsPerVector?: number;
  readonly vectorInstructions?: number;
  /** Multiply-adds that the tile needs, per 16 bytes that a lane reads from LDS. */
  readonly multiplyAddsPerLdsRead?: number;
  /** Bytes that all threads load from LDS and store to it, per operation; a multiply-add is two. */
  readonly ldsBytesPerFlop?: number;
  /** Multiply-adds of matrix instructions by those that the tile needs. */
  readonly matrixWork?: number;
  /** Bytes of global loads that all workgroups of the case's call have on their way; only in decode. */
  readonly bytesInFlight?: number;
  /** Multiply-adds found in the loop by those that a tile needs: far from 1 if the loop is not read right. */
  readonly workFound?: number;
  /** Inner loops whose number of turns is unknown; each counts as one turn. */
  readonly unknownLoops?: number;
  /** Instructions of the tile by kind. */
  readonly kinds?: Readonly<Partial<Record<InstructionKind, number>>>;
}

/** Returns the figures of a kernel on a family. */
export function amdFigures(family: string, kernel: CompiledKernel): AmdFigures {
  const { statistics, lanes, threads, facts } = kernel;
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
    ...(facts && tileFigures(kernel, facts)),
  };
}

function tileFigures(kernel: CompiledKernel, facts: KernelFacts): Partial<AmdFigures> {
  const { assembly, lanes, threads, workgroups } = kernel;
  const program = parseAssembly(readFileSync(assembly, 'utf8'));
  const found = tileLoop(program, lanes);
  if (!found) return {};
  const { turn } = found;
  const needed = multiplyAdds(facts) / threads;
  const kinds = countKinds(found);
  const bytes = (kind: InstructionKind): number =>
    turn.filter((one) => one.kind === kind).reduce((sum, one) => sum + bytesOf(one), 0);
  const ldsRead = bytes('ldsLoad');
  const { waits, bytesInFlight } = loadingOf(turn);
  const vectors = vectorCount(turn);
  const matrices = turn.filter(({ kind }) => kind === 'matrix');
  return {
    waits: waits * perTile(facts, threads),
    multiplyAddsPerVector: needed / vectors,
    vectorInstructions: vectors * perTile(facts, threads),
    ...(ldsRead > 0 && { multiplyAddsPerLdsRead: needed / (ldsRead / 16) }),
    ldsBytesPerFlop: (ldsRead + bytes('ldsStore')) / (2 * needed),
    ...(matrices.length > 0 && { matrixWork: workOf(matrices, lanes) / needed }),
    ...(workgroups !== undefined && { bytesInFlight: bytesInFlight * threads * workgroups }),
    workFound: workOf(turn, lanes) / needed,
    unknownLoops: unknownLoops(program, found),
    kinds,
  };
}

/** Returns the factor from a turn of this kernel's loop to a tile of 32 × 32, or of 32 keys, by 64 threads. */
function perTile({ rows, keys, isDecode }: KernelFacts, threads: number): number {
  return (threads / 64) * (32 / keys) * (isDecode ? 1 : 32 / rows);
}

function countKinds({ turn }: TileLoop): Partial<Record<InstructionKind, number>> {
  const counts: Partial<Record<InstructionKind, number>> = {};
  for (const { kind } of turn) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function unknownLoops({ loops }: Program, { loop }: TileLoop): number {
  return loops.filter((one) => isInside(one, loop) && one.trips === undefined).length;
}
