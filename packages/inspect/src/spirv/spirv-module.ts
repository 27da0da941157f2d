import { hasResult, type OpcodeName, opcodeName } from './opcode.ts';

export type SpirvType =
  | { kind: 'void' | 'bool' | 'function' }
  | { kind: 'int'; bits: number; signed: boolean }
  | { kind: 'float'; bits: number }
  | { kind: 'vector'; element: number; length: number }
  | { kind: 'array'; element: number; length: number }
  | { kind: 'runtimeArray'; element: number }
  | { kind: 'struct'; members: number[] }
  | { kind: 'pointer'; storage: Storage; pointee: number }
  | {
      kind: 'matrix';
      component: number;
      rows: number;
      columns: number;
      use: 'left' | 'right' | 'result';
    };

type Storage = 'input' | 'uniform' | 'workgroup' | 'private' | 'function' | 'storage';

/** A scalar's words, the ids of a composite's parts, or zero of any type. */
type SpirvConstant =
  | { kind: 'bits'; type: number; bits: number }
  | { kind: 'composite'; type: number; parts: number[] }
  | { kind: 'null'; type: number };

/** An instruction of a function body. `type` and `result` are 0 where it has no result. */
export interface Instruction {
  name: OpcodeName;
  type: number;
  result: number;
  operands: number[];
}

export interface Block {
  label: number;
  instructions: Instruction[];
}

export interface SpirvFunction {
  id: number;
  resultType: number;
  parameters: { id: number; type: number }[];
  blocks: Block[];
}

export interface SpirvVariable {
  id: number;
  type: number;
  storage: Storage;
  /** The constant with which it begins. */
  initial: number | undefined;
  builtIn?: number;
  readOnly: boolean;
}

export interface SpirvModule {
  types: ReadonlyMap<number, SpirvType>;
  constants: ReadonlyMap<number, SpirvConstant>;
  /** Variables of the module, not those of functions. */
  variables: ReadonlyMap<number, SpirvVariable>;
  /** In the order of the module, in which a function may follow its callers. */
  functions: ReadonlyMap<number, SpirvFunction>;
  entry: number;
  workgroupSize: readonly [number, number, number];
}

const MAGIC = 0x0723_0203;
const HEADER_WORDS = 5;
const LOCAL_SIZE = 17;
const BUILT_IN = 11;
const NON_WRITABLE = 24;

const storages: Record<number, Storage> = {
  1: 'input',
  2: 'uniform',
  4: 'workgroup',
  6: 'private',
  7: 'function',
  // Push constants: WGSL's immediates.
  9: 'uniform',
  12: 'storage',
};
const uses = ['left', 'right', 'result'] as const;

/** A module has what this package does not know, such as an operation. */
export class UnsupportedSpirvError extends Error {}

/** Returns the module of one SPIR-V binary. Throws for opcodes in functions that `opcodes` does not list. */
export function parseSpirv(words: Uint32Array): SpirvModule {
  if (words[0] !== MAGIC)
    throw new Error('parseSpirv: the words do not begin with the magic number of SPIR-V');
  const reader = new ModuleReader();
  for (let at = HEADER_WORDS; at < words.length;) {
    const head = words[at] ?? 0;
    const length = head >>> 16;
    if (length === 0) throw new Error(`parseSpirv: word ${at} is an instruction of no words`);
    reader.read(head & 0xffff, [...words.subarray(at + 1, at + length)]);
    at += length;
  }
  return reader.module();
}

class ModuleReader {
  readonly #types = new Map<number, SpirvType>();
  readonly #constants = new Map<number, SpirvConstant>();
  readonly #variables = new Map<number, SpirvVariable>();
  readonly #functions = new Map<number, SpirvFunction>();
  readonly #decorations = new Map<number, Map<number, number>>();
  #current: SpirvFunction | undefined;
  #entry = 0;
  #workgroupSize: [number, number, number] = [1, 1, 1];

  read(code: number, words: number[]): void {
    const name = opcodeName(code);
    if (this.#current !== undefined) this.#readBody(this.#current, name, code, words);
    else if (name !== undefined) this.#readGlobal(name, words);
  }

  module(): SpirvModule {
    for (const variable of this.#variables.values()) {
      const marks = this.#decorations.get(variable.id);
      const builtIn = marks?.get(BUILT_IN);
      if (builtIn !== undefined) variable.builtIn = builtIn;
      variable.readOnly = marks?.has(NON_WRITABLE) === true;
    }
    return {
      types: this.#types,
      constants: this.#constants,
      variables: this.#variables,
      functions: this.#functions,
      entry: this.#entry,
      workgroupSize: this.#workgroupSize,
    };
  }

  #readBody(
    current: SpirvFunction,
    name: OpcodeName | undefined,
    code: number,
    words: number[],
  ): void {
    if (name === undefined)
      throw new UnsupportedSpirvError(`parseSpirv: opcode ${code} is not supported`);
    const [first = 0, second = 0] = words;
    if (name === 'FunctionEnd') this.#current = undefined;
    else if (name === 'FunctionParameter') current.parameters.push({ id: second, type: first });
    else if (name === 'Label') current.blocks.push({ label: first, instructions: [] });
    else if (hasResult(name))
      current.blocks
        .at(-1)
        ?.instructions.push({ name, type: first, result: second, operands: words.slice(2) });
    else current.blocks.at(-1)?.instructions.push({ name, type: 0, result: 0, operands: words });
  }

  #readGlobal(name: OpcodeName, words: number[]): void {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = words;
    const numberOf = (id: number): number => {
      const constant = this.#constants.get(id);
      return constant?.kind === 'bits' ? constant.bits : 0;
    };
    switch (name) {
      case 'EntryPoint':
        this.#entry = b;
        break;
      case 'ExecutionMode':
        if (b === LOCAL_SIZE) this.#workgroupSize = [c, d, e];
        break;
      case 'Decorate': {
        const marks = this.#decorations.get(a) ?? new Map<number, number>();
        this.#decorations.set(a, marks.set(b, c));
        break;
      }
      case 'TypeVoid':
        this.#types.set(a, { kind: 'void' });
        break;
      case 'TypeBool':
        this.#types.set(a, { kind: 'bool' });
        break;
      case 'TypeInt':
        this.#types.set(a, { kind: 'int', bits: b, signed: c === 1 });
        break;
      case 'TypeFloat':
        this.#types.set(a, { kind: 'float', bits: b });
        break;
      case 'TypeVector':
        this.#types.set(a, { kind: 'vector', element: b, length: c });
        break;
      case 'TypeArray':
        this.#types.set(a, { kind: 'array', element: b, length: numberOf(c) });
        break;
      case 'TypeRuntimeArray':
        this.#types.set(a, { kind: 'runtimeArray', element: b });
        break;
      case 'TypeStruct':
        this.#types.set(a, { kind: 'struct', members: words.slice(1) });
        break;
      case 'TypePointer':
        this.#types.set(a, { kind: 'pointer', storage: storageOf(b), pointee: c });
        break;
      case 'TypeFunction':
        this.#types.set(a, { kind: 'function' });
        break;
      case 'TypeCooperativeMatrix':
        this.#types.set(a, {
          kind: 'matrix',
          component: b,
          rows: numberOf(d),
          columns: numberOf(e),
          use: uses[numberOf(f)] ?? 'result',
        });
        break;
      case 'ConstantTrue':
      case 'ConstantFalse':
        this.#constants.set(b, { kind: 'bits', type: a, bits: name === 'ConstantTrue' ? 1 : 0 });
        break;
      case 'Constant':
        this.#constants.set(b, { kind: 'bits', type: a, bits: c });
        break;
      case 'ConstantComposite':
        this.#constants.set(b, { kind: 'composite', type: a, parts: words.slice(2) });
        break;
      case 'ConstantNull':
        this.#constants.set(b, { kind: 'null', type: a });
        break;
      case 'Variable':
        this.#variables.set(b, {
          id: b,
          type: a,
          storage: storageOf(c),
          initial: words[3],
          readOnly: false,
        });
        break;
      case 'Function':
        this.#current = { id: b, resultType: a, parameters: [], blocks: [] };
        this.#functions.set(b, this.#current);
        break;
      default:
    }
  }
}

function storageOf(code: number): Storage {
  const storage = storages[code];
  if (storage === undefined)
    throw new UnsupportedSpirvError(`parseSpirv: storage class ${code} is not supported`);
  return storage;
}

/** Returns the type of an id. Throws when the module has none. */
export function typeOf(module: SpirvModule, id: number): SpirvType {
  const type = module.types.get(id);
  if (type === undefined) throw new Error(`SPIR-V: ${id} is no type`);
  return type;
}

/** Returns the module's pointed-to type of a pointer type. */
export function pointeeOf(module: SpirvModule, id: number): number {
  const type = typeOf(module, id);
  if (type.kind !== 'pointer') throw new Error(`SPIR-V: ${id} is no type of pointers`);
  return type.pointee;
}

/** Returns the types of all constants, variables and results. */
export function resultTypes(module: SpirvModule): Map<number, number> {
  const types = new Map<number, number>();
  for (const [id, { type }] of [...module.constants, ...module.variables]) types.set(id, type);
  for (const { parameters, blocks } of module.functions.values()) {
    for (const { id, type } of parameters) types.set(id, type);
    for (const { instructions } of blocks)
      for (const { result, type } of instructions) if (result !== 0) types.set(result, type);
  }
  return types;
}
