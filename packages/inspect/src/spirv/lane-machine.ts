import {
  type ControlFlow,
  entryOf,
  type FlowBlock,
  type Region,
  type SpirvLoop,
} from './spirv-flow.ts';
import {
  type Cell,
  constantOf,
  isComposite,
  isKnownOperation,
  joined,
  type LaneValue,
  operate,
  operateExtended,
  partAt,
  Pointer,
  withPart,
} from './lane-value.ts';
import { byteOffset } from './memory-layout.ts';
import {
  type Instruction,
  pointeeOf,
  type SpirvFunction,
  type SpirvModule,
} from './spirv-module.ts';

/** An access of one lane to workgroup memory. */
export interface LaneAccess {
  readonly instruction: Instruction;
  /** The workgroup variable, and the bytes from its beginning; undefined where they depend on data. */
  readonly variable: number;
  readonly offset: number | undefined;
  /** Of a subgroup matrix: elements of the pointer's type from one row (or column) to the next. */
  readonly stride: number | undefined;
  /** Headers of the loops around it, outermost first. */
  readonly loops: readonly number[];
}

/** What a lane did. */
export interface LaneTrace {
  readonly accesses: readonly LaneAccess[];
  /** Headers of the loops whose number of turns is not known; they had one turn. */
  readonly openLoops: ReadonlySet<number>;
}

const LOCAL_ID = 27;
const SUBGROUP_LANES = 32;
const MAX_STEPS = 10_000_000;
/** In place of the block before another: the phis have their values already. */
const PHIS_ARE_SET = -1;

/** A call of a function. */
interface Frame {
  readonly values: Map<number, LaneValue>;
  readonly loops: { readonly loop: SpirvLoop; turns: number }[];
}

/** How a stretch of blocks ended: at the label where it was to stop, with the block before it, or by a return. */
type End = { readonly from: number } | { readonly returned: LaneValue };

/**
 * Runs one lane of a kernel on integers alone. Values from memory and floats are not known. Where a branch depends on such a value, the
 * lane takes the way with the work, and both ways where neither has any; a loop whose end is not known has one turn. So the lane runs
 * one tile of every loop over tiles, with the addresses of a tile inside the problem.
 */
export class LaneMachine {
  readonly #module: SpirvModule;
  readonly #flow: ControlFlow;
  readonly #globals = new Map<number, LaneValue>();
  readonly #frames: Frame[] = [];
  readonly #cells: Cell[] = [];
  readonly #accesses: LaneAccess[] = [];
  readonly #openLoops = new Set<number>();
  #steps = 0;

  constructor(module: SpirvModule, flow: ControlFlow, thread: number) {
    this.#module = module;
    this.#flow = flow;
    for (const id of module.constants.keys()) this.#globals.set(id, constantOf(module, id));
    for (const { id, type, storage, builtIn, initial } of module.variables.values()) {
      const cell: Cell = {
        type: pointeeOf(module, type),
        value:
          storage === 'input'
            ? builtInValue(module, builtIn, thread)
            : storage === 'private'
              ? constantOf(module, initial ?? 0)
              : undefined,
        ...(storage === 'workgroup' && { workgroup: id }),
      };
      if (storage === 'private') this.#cells.push(cell);
      this.#globals.set(id, new Pointer(cell));
    }
  }

  run(): LaneTrace {
    this.#call(this.#module.functions.get(this.#module.entry)!, []);
    return { accesses: this.#accesses, openLoops: this.#openLoops };
  }

  #call(fn: SpirvFunction, args: readonly LaneValue[]): LaneValue {
    const cells = this.#cells.length;
    const frame = {
      values: new Map(fn.parameters.map(({ id }, index) => [id, args[index]])),
      loops: [],
    };
    this.#frames.push(frame);
    const end = this.#runFrom(frame, entryOf(fn), PHIS_ARE_SET);
    this.#frames.pop();
    this.#cells.length = cells;
    return 'returned' in end ? end.returned : undefined;
  }

  /** Runs blocks from one on, until a label or a return. */
  #runFrom(frame: Frame, start: number, before: number, stop?: number): End {
    let [label, from] = [start, before];
    while (label !== stop) {
      this.#enter(frame, label);
      const block = this.#flow.block(label);
      const last = this.#runBlock(frame, block, from);
      from = label;
      if (last.name === 'Branch') label = last.operands[0]!;
      else if (last.name === 'BranchConditional') {
        const condition = this.#value(frame, last.operands[0]!);
        const ways = [last.operands[1]!, last.operands[2]!] as const;
        const way =
          condition === undefined
            ? this.#chooseWay(frame, block, ways)
            : ways[condition === 0 ? 1 : 0];
        if (way === undefined) [label, from] = [this.#runBoth(frame, block, ways), PHIS_ARE_SET];
        else label = way;
      } else if (last.name === 'Switch')
        label = switchTarget(last.operands, this.#value(frame, last.operands[0]!));
      else
        return {
          returned: last.name === 'ReturnValue' ? this.#value(frame, last.operands[0]!) : undefined,
        };
    }
    return { from };
  }

  /** Keeps the list of the loops that are being run. */
  #enter({ loops }: Frame, label: number): void {
    const left = loops.findIndex(({ loop }) => loop.merge === label);
    if (left >= 0) loops.length = left;
    const loop = this.#flow.loopAt(label);
    if (loop === undefined) return;
    const again = loops.findIndex((one) => one.loop === loop);
    if (again < 0) {
      loops.push({ loop, turns: 0 });
      return;
    }
    loops.length = again + 1;
    loops[again]!.turns++;
  }

  /** Returns the way to take where the condition is not known, or undefined for both. */
  #chooseWay(
    { loops }: Frame,
    block: FlowBlock,
    ways: readonly [number, number],
  ): number | undefined {
    const running = loops.map(({ loop }) => loop);
    const regions = ways.map((way) => this.#flow.region(way, block.meeting, running));
    const current = loops.at(-1);
    const breaks = regions.map(
      ({ leaves, exits }) => leaves && current !== undefined && exits.has(current.loop.merge),
    );
    if (current !== undefined && breaks[0] !== breaks[1]) {
      this.#openLoops.add(current.loop.header);
      const [out, stay] = breaks[0] ? ways : ways.toReversed();
      return current.turns > 0 || stay === current.loop.header ? out : stay;
    }
    const [a, b] = regions as [Region, Region];
    if (a.leaves !== b.leaves) return a.leaves ? ways[1] : ways[0];
    if (a.work === 0 && b.work === 0 && !a.leaves) return undefined;
    if (a.work === 0 || b.work === 0) {
      const [busy, idle] = a.work === 0 ? [1, 0] : [0, 1];
      return regions[busy]!.isExceptional ? ways[idle] : ways[busy];
    }
    return a.work >= b.work ? ways[0] : ways[1];
  }

  /** Runs both ways of a branch and keeps what is known after either; returns the label where they meet. */
  #runBoth(frame: Frame, block: FlowBlock, ways: readonly [number, number]): number {
    const meeting = block.meeting!;
    const before = this.#cells.map(({ value }) => value);
    const { phis } = this.#flow.block(meeting);
    const [first, second] = ways.map((way) => {
      for (const [index, cell] of this.#cells.entries()) cell.value = before[index];
      const end = this.#runFrom(frame, way, block.label, meeting);
      const from = 'from' in end ? end.from : PHIS_ARE_SET;
      return {
        cells: this.#cells.map(({ value }) => value),
        phis: phis.map((phi) => this.#incoming(frame, phi, from)),
      };
    });
    for (const [index, cell] of this.#cells.entries())
      cell.value = joined(first!.cells[index], second!.cells[index]);
    for (const [index, { result }] of phis.entries())
      frame.values.set(result, joined(first!.phis[index], second!.phis[index]));
    return meeting;
  }

  #incoming(frame: Frame, { operands }: Instruction, from: number): LaneValue {
    const at = operands.findIndex((id, index) => index % 2 === 1 && id === from);
    return at < 0 ? undefined : this.#value(frame, operands[at - 1]!);
  }

  /** Runs a block's instructions; returns the last one, which says where to go on. */
  #runBlock(frame: Frame, { label, phis, body, last }: FlowBlock, from: number): Instruction {
    if (from !== PHIS_ARE_SET) {
      const values = phis.map((phi) => this.#incoming(frame, phi, from));
      for (const [index, { result }] of phis.entries()) frame.values.set(result, values[index]);
    }
    for (const instruction of body) {
      if (++this.#steps > MAX_STEPS)
        throw new Error(`a lane ran ${MAX_STEPS} instructions and is in block ${label}`);
      if (instruction.result === 0) this.#execute(frame, instruction);
      else frame.values.set(instruction.result, this.#execute(frame, instruction));
    }
    return last;
  }

  #value({ values }: Frame, id: number): LaneValue {
    return values.has(id) ? values.get(id) : this.#globals.get(id);
  }

  #execute(frame: Frame, instruction: Instruction): LaneValue {
    const { name, operands } = instruction;
    const value = (index: number): LaneValue => this.#value(frame, operands[index]!);
    const all = (): LaneValue[] => operands.map((id) => this.#value(frame, id));
    switch (name) {
      case 'Variable': {
        const cell = {
          type: pointeeOf(this.#module, instruction.type),
          value: operands.length > 1 ? value(1) : undefined,
        };
        this.#cells.push(cell);
        return new Pointer(cell);
      }
      case 'AccessChain': {
        const [base, ...indices] = all();
        if (!(base instanceof Pointer)) return undefined;
        const path = indices.map((index) => (typeof index === 'number' ? index : undefined));
        return new Pointer(base.variable, [...base.path, ...path]);
      }
      case 'Load':
        return this.#load(instruction, value(0));
      case 'Store':
        return this.#store(instruction, value(0), value(1));
      case 'CooperativeMatrixLoad':
        return this.#record(instruction, value(0), value(2));
      case 'CooperativeMatrixStore':
        return this.#record(instruction, value(0), value(3));
      case 'FunctionCall':
        return this.#call(this.#module.functions.get(operands[0]!)!, all().slice(1));
      case 'CompositeConstruct':
        return all().flatMap((part) => part);
      case 'CompositeExtract':
        return partAt(value(0), operands.slice(1));
      case 'CompositeInsert':
        return withPart(value(1), operands.slice(2), value(0));
      case 'VectorExtractDynamic': {
        const index = value(1);
        return partAt(value(0), [typeof index === 'number' ? index : undefined]);
      }
      case 'Select':
        return select(value(0), value(1), value(2));
      case 'ExtInst':
        return operateExtended(operands[1]!, all().slice(2));
      case 'Any':
      case 'All':
        return allOf(value(0), name === 'Any' ? 1 : 0);
      case 'IAddCarry':
        return [operate('IAdd', all()), operate('ULessThan', [operate('IAdd', all()), value(0)])];
      default:
        if (name.startsWith('Atomic')) return this.#record(instruction, value(0), undefined);
        return isKnownOperation(name) ? operate(name, all()) : undefined;
    }
  }

  #load(instruction: Instruction, pointer: LaneValue): LaneValue {
    if (!(pointer instanceof Pointer)) return undefined;
    if (pointer.variable.workgroup !== undefined)
      return this.#record(instruction, pointer, undefined);
    return partAt(pointer.variable.value, pointer.path);
  }

  #store(instruction: Instruction, pointer: LaneValue, value: LaneValue): undefined {
    if (!(pointer instanceof Pointer)) return;
    const { variable, path } = pointer;
    if (variable.workgroup !== undefined) this.#record(instruction, pointer, undefined);
    else variable.value = withPart(variable.value, path, value);
  }

  #record(instruction: Instruction, pointer: LaneValue, stride: LaneValue): undefined {
    if (!(pointer instanceof Pointer) || pointer.variable.workgroup === undefined) return;
    this.#accesses.push({
      instruction,
      variable: pointer.variable.workgroup,
      offset: byteOffset(this.#module, pointer.variable.type, pointer.path),
      stride: typeof stride === 'number' ? stride : undefined,
      loops: this.#frames.flatMap(({ loops }) => loops.map(({ loop }) => loop.header)),
    });
  }
}

function builtInValue(
  { workgroupSize }: SpirvModule,
  builtIn: number | undefined,
  thread: number,
): LaneValue {
  const [x, y, z] = workgroupSize;
  const values: Record<number, LaneValue> = {
    [LOCAL_ID]: [thread % x, Math.floor(thread / x) % y, Math.floor(thread / (x * y))],
    29: thread,
    36: SUBGROUP_LANES,
    38: Math.ceil((x * y * z) / SUBGROUP_LANES),
    40: Math.floor(thread / SUBGROUP_LANES),
    41: thread % SUBGROUP_LANES,
  };
  return values[builtIn ?? -1];
}

function switchTarget([, otherwise = 0, ...cases]: readonly number[], value: LaneValue): number {
  const at = cases.findIndex((literal, index) => index % 2 === 0 && literal === value);
  return at < 0 ? otherwise : cases[at + 1]!;
}

function select(condition: LaneValue, a: LaneValue, b: LaneValue): LaneValue {
  if (isComposite(condition))
    return condition.map((one, lane) => select(one, partAt(a, [lane]), partAt(b, [lane])));
  if (condition === undefined) return joined(a, b);
  return condition === 0 ? b : a;
}

/** Returns a conjunction (whose absorbing element is 0) or a disjunction (1) of a vector's components. */
function allOf(value: LaneValue, absorbing: number): LaneValue {
  if (!isComposite(value)) return undefined;
  if (value.includes(absorbing)) return absorbing;
  return value.includes(undefined) ? undefined : 1 - absorbing;
}
