import { loopTrips, type SassLoop } from './loop-trips.ts';
import type { SassInstruction } from './sass.ts';

/** One turn of a kernel's loop over tiles. */
export interface SassTurn {
  /** The instructions that a warp issues, in order: those of inner loops as often as they run. */
  readonly trace: readonly SassInstruction[];
  /** Inner loops whose turns do not follow from the code; the trace has one turn of each. */
  readonly unknownLoops: number;
  /** Bytes from the loop's first to its last instruction. */
  readonly codeBytes: number;
}

/** Instructions for which the trace takes the way that has them, where a branch could leave them out. */
const work = new Set([
  'LDG',
  'LDGSTS',
  'LDS',
  'LDSM',
  'STS',
  'FFMA',
  'HMMA',
  'HFMA2',
  'IDP',
  'BAR',
  'MUFU',
]);

/** A stretch with none of these and with barriers is for exceptional tiles, such as those that rescale the output. */
const products = ['LDG', 'LDSM', 'FFMA', 'HMMA', 'HFMA2', 'IDP'];

const arithmetic: Record<string, number> = { FFMA: 1, HFMA2: 1, IDP: 4, HMMA: 64 };

/**
 * Returns one turn of the innermost loop, of a number of turns that is not literal, with nearly all arithmetic of the loop that has most;
 * undefined if there is none.
 */
export function sassTurn(code: readonly SassInstruction[]): SassTurn | undefined {
  const loops = loopsOf(code).map((loop) => ({ ...loop, trips: loopTrips(code, loop) }));
  const weight = ({ head, tail }: SassLoop): number =>
    code.slice(head, tail + 1).reduce((total, { name }) => total + (arithmetic[name] ?? 0), 0);
  const [largest] = loops.toSorted((a, b) => weight(b) - weight(a));
  const [main] = loops
    .filter(({ head, tail }) => head >= largest!.head && tail <= largest!.tail)
    .filter((loop) => loop.trips === undefined && weight(loop) > 0)
    .filter((loop) => weight(loop) >= 0.9 * weight(largest!))
    .toSorted((a, b) => a.tail - a.head - (b.tail - b.head));
  if (main === undefined) return;
  const inner = new Map(
    loops
      .filter((loop) => loop !== main && loop.head >= main.head && loop.tail <= main.tail)
      .map((loop) => [loop.head, loop]),
  );
  return {
    trace: expand(code, main, inner),
    unknownLoops: [...inner.values()].filter(({ trips }) => trips === undefined).length,
    codeBytes: code[main.tail]!.address - code[main.head]!.address + 16,
  };
}

/** Loops by their backward branches; those with one head are one loop. */
function loopsOf(code: readonly SassInstruction[]): SassLoop[] {
  const tails = new Map<number, number>();
  for (const [index, { target }] of code.entries())
    if (target !== undefined && target < code[index]!.address) tails.set(target / 16, index);
  return [...tails].map(([head, tail]) => ({ head, tail }));
}

type InnerLoops = ReadonlyMap<number, SassLoop & { readonly trips: number | undefined }>;

function expand(
  code: readonly SassInstruction[],
  { head, tail }: SassLoop,
  inner: InnerLoops,
): SassInstruction[] {
  const trace: SassInstruction[] = [];
  for (let at = head; at <= tail;) {
    const loop = inner.get(at);
    if (loop !== undefined && at !== head) {
      const turn = expand(code, loop, inner);
      for (let i = 0; i < (loop.trips ?? 1); i++) trace.push(...turn);
      at = loop.tail + 1;
      continue;
    }
    const instruction = code[at]!;
    trace.push(instruction);
    const to = instruction.target === undefined ? -1 : instruction.target / 16;
    const isForward = to > at && to <= tail + 1;
    const isTaken = isForward && (!instruction.isPredicated || isLeftOut(code.slice(at + 1, to)));
    at = isTaken ? to : at + 1;
  }
  return trace;
}

/** Whether a turn usually leaves instructions out: they are no work, or work for exceptional tiles, which has barriers and no products. */
function isLeftOut(instructions: readonly SassInstruction[]): boolean {
  const names = new Set(instructions.map(({ name }) => name));
  if (names.has('BAR') && products.every((name) => !names.has(name))) return true;
  return [...work].every((name) => !names.has(name));
}
