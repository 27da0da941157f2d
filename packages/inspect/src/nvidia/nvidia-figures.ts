import type { CompiledKernel } from '../compile/compiled-kernel.ts';
import { type KernelFacts, multiplyAdds } from '../compile/kernel-facts.ts';
import {
  FMA_LANES,
  type GpuArchitecture,
  residentBlocks,
  SCHEDULERS,
  WARP_LANES,
} from './gpu-architecture.ts';
import type { NvidiaKernel } from './nvcc.ts';
import type { SassInstruction } from './sass.ts';
import { type SassTurn, sassTurn } from './sass-turn.ts';
import { sharedTurn } from './shared-clocks.ts';

/**
 * The figures of a kernel. Those from `waits` on are of one tile, and undefined for kernels without a loop over tiles. "Per tile" means
 * per 32 rows × 32 keys and 64 threads, in decode per 32 keys of one kv head and 64 threads.
 */
export interface NvidiaFigures {
  readonly registers: number;
  /** Registers that the code stores to memory, and bytes of a thread's stack, which holds them or arrays with run-time indices. */
  readonly spills: number;
  readonly scratchBytes: number;
  readonly sharedBytes: number;
  /** Blocks that a multiprocessor holds at a time. */
  readonly blocks: number;
  readonly codeBytes: number;
  readonly instructions: number;
  /** Stops for global loads per tile. */
  readonly waits?: number;
  /** Instructions that a warp issues per tile. */
  readonly slots?: number;
  /** Share of FFMA in the instructions that a warp issues. */
  readonly ffmaShare?: number;
  /** Accesses of a warp to spilled registers and private arrays in memory, per tile. */
  readonly localAccesses?: number;
  /** Clocks that the schedulers and the shared memory take, by those in which the FMA units do the multiply-adds that the tile needs. */
  readonly issueClocks?: number;
  readonly sharedClocks?: number;
  /** The part of `sharedClocks` that bank conflicts add. */
  readonly conflictClocks?: number;
  /** Bytes that all threads load from shared memory and store to it, per operation; a multiply-add is two. */
  readonly sharedBytesPerFlop?: number;
  /** Multiply-adds of matrix instructions by those that the tile needs. */
  readonly matrixWork?: number;
  /** Bytes of global loads that all workgroups of the case's call have on their way; only in decode. */
  readonly bytesInFlight?: number;
  /** Multiply-adds found in the loop by those that a tile needs: far from 1 if the loop is not read right. */
  readonly workFound?: number;
  /** Inner loops whose number of turns is unknown; each counts as one turn. */
  readonly unknownLoops?: number;
  /** Instructions of the tile by name, with the bits per lane for loads and stores. */
  readonly kinds?: Readonly<Record<string, number>>;
}

/** Of an HMMA.16816. */
const HMMA_MULTIPLY_ADDS = 16 * 8 * 16;

/** Returns the figures of a kernel on an architecture. */
export function nvidiaFigures(
  architecture: GpuArchitecture,
  compiled: CompiledKernel,
  kernel: NvidiaKernel,
): NvidiaFigures {
  const { code, registers, spills, scratchBytes, sharedBytes } = kernel;
  const { threads, facts } = compiled;
  const turn = sassTurn(code);
  return {
    registers,
    spills,
    scratchBytes,
    sharedBytes,
    blocks: residentBlocks(architecture, { registers, sharedBytes, threads }),
    codeBytes: code.length * 16,
    instructions: code.length,
    ...(turn && facts && tileFigures(compiled, facts, kernel, turn)),
  };
}

function tileFigures(
  { threads, workgroups }: CompiledKernel,
  facts: KernelFacts,
  { module }: NvidiaKernel,
  { trace, unknownLoops }: SassTurn,
): Partial<NvidiaFigures> {
  const count = (name: string): number => trace.filter((one) => one.name === name).length;
  const perTile = (threads / 64) * (32 / facts.keys) * (facts.isDecode ? 1 : 32 / facts.rows);
  const needed = multiplyAdds(facts);
  const warps = Math.ceil(threads / WARP_LANES);
  const fmaClocks = needed / FMA_LANES;
  const shared = sharedTurn(module);
  const products = count('HMMA') * HMMA_MULTIPLY_ADDS * warps;
  // IDP multiplies four bytes by four.
  const scalars = (count('FFMA') + 4 * count('IDP')) * WARP_LANES * warps;
  const { stops, bytes } = globalLoads(trace);
  return {
    waits: stops * perTile,
    slots: trace.length * perTile,
    localAccesses: (count('LDL') + count('STL')) * perTile,
    ffmaShare: count('FFMA') / trace.length,
    issueClocks: (trace.length * warps) / SCHEDULERS / fmaClocks,
    sharedClocks: (shared.clocks * warps) / fmaClocks,
    conflictClocks: ((shared.clocks - shared.idealClocks) * warps) / fmaClocks,
    sharedBytesPerFlop: (shared.bytes * warps) / (2 * needed),
    ...(products > 0 && { matrixWork: products / needed }),
    ...(workgroups !== undefined && { bytesInFlight: bytes * threads * workgroups }),
    workFound: (scalars + products) / needed,
    unknownLoops,
    kinds: countKinds(trace),
  };
}

/** How a warp waits for global loads in a turn. */
interface GlobalLoads {
  /** Waits for a scoreboard of such loads, those left out since whose last one none was issued. */
  readonly stops: number;
  /** The most bytes that a lane has asked for between two stops. */
  readonly bytes: number;
}

function globalLoads(trace: readonly SassInstruction[]): GlobalLoads {
  let [stops, pending, most, boards] = [0, 0, 0, 0];
  for (const { name, waits, writes, width } of trace) {
    if ((waits & boards) !== 0) {
      if (pending > 0) stops++;
      pending = 0;
      boards &= ~waits;
    }
    if (writes === undefined) continue;
    const isLoad = name === 'LDG';
    boards = isLoad ? boards | (1 << writes) : boards & ~(1 << writes);
    if (isLoad) pending += width / 8;
    most = Math.max(most, pending);
  }
  return { stops, bytes: most };
}

const withWidth = new Set(['LDG', 'STG', 'LDS', 'STS', 'LDL', 'STL']);

function countKinds(trace: readonly SassInstruction[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { name, width } of trace) {
    const key = withWidth.has(name) ? `${name}.${width}` : name;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
