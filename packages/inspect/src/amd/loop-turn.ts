import { type Block, isInside, type Loop, type Program } from './control-flow.ts';
import { type Instruction, multiplyAddsOf } from './instruction.ts';

/**
 * Returns one turn of a loop, in order, with the turns of the loops in it; one whose trips are unknown turns once. Where the lanes
 * of a wave may differ, both sides of a branch count, since AMD's code passes both. Where a whole wave takes one of two ways, the
 * one that loads or multiplies more counts, else the shorter one: masks, partial tiles and other rare work are no part of the turn.
 */
export function turnOf(program: Program, loop: Loop, lanes: number): Instruction[] {
  const values = new Map(program.blocks.map((block) => [block, valueOf(block, lanes)]));
  return blocksOf(bestWay(program, loop, values)).flatMap(({ instructions }) => instructions);
}

// A load outweighs every other instruction of a way. A multiply-add outweighs the few others that come with it.
const LOAD = 1000;
const MULTIPLY_ADD = 4;

function valueOf({ instructions }: Block, lanes: number): number {
  return instructions.reduce((sum, one) => {
    const loads = one.kind === 'globalLoad' ? LOAD : 0;
    return sum + loads + MULTIPLY_ADD * multiplyAddsOf(one, lanes) - 1;
  }, 0);
}

type Values = ReadonlyMap<Block, number>;

interface Way {
  readonly value: number;
  readonly blocks: Chain | undefined;
}

/** A list that shares its beginning with others. */
interface Chain {
  readonly before: Chain | undefined;
  readonly blocks: readonly Block[];
}

/** Returns the way of the most value from the first block of a loop to a branch that leads back to it. */
function bestWay(program: Program, loop: Loop, values: Values): Way {
  const { blocks, loops } = program;
  const inner = loops.filter((other) => isInside(other, loop));
  const ways = new Map<number, Way>([[loop.first, { value: 0, blocks: undefined }]]);
  let best: Way = { value: -Infinity, blocks: undefined };
  for (let at = loop.first; at <= loop.last; at++) {
    const way = ways.get(at);
    if (!way) continue;
    // A loop in the loop is one part of the way, with all of its turns.
    const nested = inner.find(({ first }) => first === at);
    const part = nested ? turnsOf(program, nested, values) : [blocks[at]!];
    const last = nested?.last ?? at;
    const value = part.reduce((sum, block) => sum + values.get(block)!, way.value);
    const here = { value, blocks: { before: way.blocks, blocks: part } };
    for (const next of blocks.slice(at, last + 1).flatMap(nextOf)) {
      if (next === loop.first && value > best.value) best = here;
      const isAhead = next > last && next <= loop.last;
      if (isAhead && value > (ways.get(next)?.value ?? -Infinity)) ways.set(next, here);
    }
    at = last;
  }
  return best;
}

// Ways past code that no lane would run are not taken.
const nextOf = ({ next, skipsTo }: Block): number[] => next.filter((one) => one !== skipsTo);

function turnsOf(program: Program, loop: Loop, values: Values): Block[] {
  const turn = blocksOf(bestWay(program, loop, values));
  return Array.from({ length: loop.trips ?? 1 }, () => turn).flat();
}

function blocksOf({ blocks }: Way): Block[] {
  const parts: (readonly Block[])[] = [];
  for (let link = blocks; link; link = link.before) parts.push(link.blocks);
  return parts.toReversed().flat();
}
