import type { OpcodeName } from './opcode.ts';
import {
  type Block,
  type Instruction,
  type SpirvFunction,
  type SpirvModule,
  typeOf,
} from './spirv-module.ts';

/** A loop of a function, by the labels of its header, the block after it and the block that leads to its next turn. */
export interface SpirvLoop {
  readonly header: number;
  readonly merge: number;
  readonly next: number;
}

/** The blocks between a branch's target and the block where both ways of the branch meet. */
export interface Region {
  /** Accesses to workgroup memory and barriers, those of called functions too. */
  readonly work: number;
  /** Whether it has a barrier but no multiply-add: work for the exceptional tile, such as the rescaling of all rows. */
  readonly isExceptional: boolean;
  /** Whether it never reaches the place where the ways meet, since it leaves the loop or the function. */
  readonly leaves: boolean;
  /** The blocks after loops that it reaches. */
  readonly exits: ReadonlySet<number>;
}

/** A block whose instructions are sorted by when they are run. */
export interface FlowBlock extends Block {
  readonly phis: readonly Instruction[];
  readonly body: readonly Instruction[];
  /** Leads to the next block. */
  readonly last: Instruction;
  /** Where the ways of its branch meet, if the module says so. */
  readonly meeting: number | undefined;
}

function flowBlock(block: Block): FlowBlock {
  const { instructions } = block;
  const phis = instructions.filter(({ name }) => name === 'Phi');
  return {
    ...block,
    phis,
    body: instructions.slice(phis.length, -1),
    last: instructions.at(-1)!,
    meeting: instructions.find(({ name }) => name === 'SelectionMerge')?.operands[0],
  };
}

interface Work {
  accesses: number;
  barriers: number;
  multiplyAdds: number;
}

const FMA = 50;
const multiplyAdds = new Set<OpcodeName>([
  'Dot',
  'CooperativeMatrixMulAdd',
  'SDot',
  'UDot',
  'FMul',
]);

/** The static control flow of a module's functions. */
export class ControlFlow {
  readonly #module: SpirvModule;
  readonly #blocks = new Map<number, FlowBlock>();
  readonly #loops = new Map<number, SpirvLoop>();
  readonly #blockWork = new Map<number, Work>();
  readonly #regions = new Map<string, Region>();

  constructor(module: SpirvModule) {
    this.#module = module;
    for (const fn of module.functions.values())
      for (const block of fn.blocks) {
        this.#blocks.set(block.label, flowBlock(block));
        const merge = block.instructions.find(({ name }) => name === 'LoopMerge');
        if (merge !== undefined)
          this.#loops.set(block.label, {
            header: block.label,
            merge: merge.operands[0]!,
            next: merge.operands[1]!,
          });
      }
  }

  block(label: number): FlowBlock {
    return this.#blocks.get(label)!;
  }

  /** Returns the loop of which a block is the header. */
  loopAt(label: number): SpirvLoop | undefined {
    return this.#loops.get(label);
  }

  /** Returns what lies between a block and the block where ways meet, within the loops that are being run. */
  region(from: number, meeting: number | undefined, loops: readonly SpirvLoop[]): Region {
    const key = `${from} ${meeting}`;
    const known = this.#regions.get(key);
    if (known !== undefined) return known;
    const bounds = new Set([
      ...(meeting === undefined ? [] : [meeting]),
      ...loops.flatMap(({ header, merge, next }) => [header, merge, next]),
    ]);
    const reached = new Set<number>();
    const exits = new Set<number>();
    const total: Work = { accesses: 0, barriers: 0, multiplyAdds: 0 };
    const visit = (label: number): void => {
      if (bounds.has(label)) exits.add(label);
      if (bounds.has(label) || reached.has(label)) return;
      reached.add(label);
      add(total, this.#workOf(label));
      for (const target of targetsOf(this.block(label))) visit(target);
    };
    visit(from);
    const region = {
      work: total.accesses + total.barriers,
      isExceptional: total.barriers > 0 && total.multiplyAdds === 0,
      leaves: meeting === undefined || !exits.has(meeting),
      exits,
    };
    this.#regions.set(key, region);
    return region;
  }

  #workOf(label: number): Work {
    const known = this.#blockWork.get(label);
    if (known !== undefined) return known;
    const work: Work = { accesses: 0, barriers: 0, multiplyAdds: 0 };
    for (const instruction of this.block(label).instructions) {
      const callee =
        instruction.name === 'FunctionCall'
          ? this.#module.functions.get(instruction.operands[0]!)
          : undefined;
      if (callee !== undefined)
        for (const block of callee.blocks) add(work, this.#workOf(block.label));
      else this.#count(instruction, work);
    }
    this.#blockWork.set(label, work);
    return work;
  }

  #count({ name, type, operands }: Instruction, work: Work): void {
    if (name === 'ControlBarrier') work.barriers++;
    if (multiplyAdds.has(name) || (name === 'ExtInst' && operands[1] === FMA)) work.multiplyAdds++;
    if (name !== 'AccessChain') return;
    const pointer = typeOf(this.#module, type);
    if (pointer.kind === 'pointer' && pointer.storage === 'workgroup') work.accesses++;
  }
}

function add(total: Work, { accesses, barriers, multiplyAdds: count }: Work): void {
  total.accesses += accesses;
  total.barriers += barriers;
  total.multiplyAdds += count;
}

/** Returns the labels to which a block's last instruction can lead. */
function targetsOf({ last: { name, operands } }: FlowBlock): number[] {
  if (name === 'Branch') return [operands[0]!];
  if (name === 'BranchConditional') return [operands[1]!, operands[2]!];
  if (name === 'Switch') return operands.slice(1).filter((_, index) => index % 2 === 0);
  return [];
}

/** Returns the first block of a function. */
export const entryOf = ({ blocks }: SpirvFunction): number => blocks[0]!.label;
