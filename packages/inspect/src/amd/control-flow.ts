import { type Instruction, instructionsOf } from './instruction.ts';
import { tripsOf } from './trip-count.ts';

/** Instructions without a branch between them. */
export interface Block {
  readonly name: string;
  readonly instructions: readonly Instruction[];
  /** The positions of the blocks that may follow. */
  readonly next: readonly number[];
  /** The one of them that follows if no lane of a wave runs the block after this one. */
  readonly skipsTo: number | undefined;
}

/** A loop: the blocks from `first` to `last`, which the compiler writes one after the other. */
export interface Loop {
  readonly first: number;
  readonly last: number;
  /** How often it turns, if constants say so. */
  readonly trips: number | undefined;
}

/** A kernel's assembly. */
export interface Program {
  readonly blocks: readonly Block[];
  /** Outer loops before the loops in them. */
  readonly loops: readonly Loop[];
}

/** Reads the assembly of a kernel. */
export function parseAssembly(text: string): Program {
  const blocks = linked(
    text
      .split(/^(?=BB\d+:)/m)
      .filter((part) => part.startsWith('BB'))
      .map(blockOf),
  );
  return { blocks, loops: loopsOf(blocks) };
}

type Unlinked = Pick<Block, 'name' | 'instructions'>;

function blockOf(text: string): Unlinked {
  const [label = '', ...lines] = text.split('\n');
  // "(then repeated n times)" stands for padding.
  const code = lines.filter((line) => /^\s+[a-z]/.test(line));
  return { name: label.split(':')[0]!, instructions: code.flatMap(instructionsOf) };
}

function linked(blocks: readonly Unlinked[]): Block[] {
  const position = new Map(blocks.map(({ name }, i) => [name, i]));
  return blocks.map((block, i) => {
    const branches = block.instructions.filter(({ kind }) => kind === 'branch');
    const targets = branches.map(({ operands }) => position.get(operands)!);
    const last = block.instructions.at(-1)?.op;
    const falls = last !== 's_branch' && last !== 's_endpgm' && i + 1 < blocks.length;
    const skip = branches.find(({ op }) => op === 's_cbranch_execz');
    return {
      ...block,
      next: falls ? [...targets, i + 1] : targets,
      skipsTo: skip && position.get(skip.operands),
    };
  });
}

/** Finds the branches that lead back, and how often each of their loops turns. */
function loopsOf(blocks: readonly Block[]): Loop[] {
  const last = new Map<number, number>();
  for (const [i, { next }] of blocks.entries()) {
    for (const first of next) if (first <= i) last.set(first, i);
  }
  const ranges = [...last]
    .map(([first, end]) => ({ first, last: end }))
    .toSorted((a, b) => a.first - b.first);
  return ranges.map((range) => {
    const inner = ranges.filter((other) => isInside(other, range));
    const own = blocks
      .slice(range.first, range.last + 1)
      .filter(
        (_, at) =>
          !inner.some(
            ({ first, last: end }) => first <= at + range.first && at + range.first <= end,
          ),
      );
    const instructions = (some: readonly Block[]): Instruction[] =>
      some.flatMap((block) => block.instructions);
    const trips = tripsOf(instructions(own), instructions(blocks.slice(0, range.first)));
    return { ...range, trips };
  });
}

type Range = Pick<Loop, 'first' | 'last'>;

/** Whether a loop lies in another. */
export function isInside(inner: Range, outer: Range): boolean {
  return inner !== outer && outer.first <= inner.first && inner.last <= outer.last;
}
