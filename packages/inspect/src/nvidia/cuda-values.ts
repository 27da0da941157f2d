import {
  type Instruction,
  pointeeOf,
  resultTypes,
  type SpirvModule,
  type SpirvType,
  type SpirvVariable,
  typeOf,
  UnsupportedSpirvError,
} from '../spirv/spirv-module.ts';

export const components = ['x', 'y', 'z', 'w'] as const;

/** Values of built-in variables by SPIR-V's numbers. A workgroup's shape is a literal, as it is in SPIR-V. */
const builtIns: Record<number, (workgroupSize: SpirvModule['workgroupSize']) => string> = {
  24: () => 'uint3{gridDim.x, gridDim.y, gridDim.z}',
  26: () => 'uint3{blockIdx.x, blockIdx.y, blockIdx.z}',
  27: () => 'uint3{threadIdx.x, threadIdx.y, threadIdx.z}',
  28: ([x, y, z]) =>
    `uint3{blockIdx.x * ${x}u + threadIdx.x, blockIdx.y * ${y}u + threadIdx.y, blockIdx.z * ${z}u + threadIdx.z}`,
  29: ([x, y]) => (y === 1 ? 'threadIdx.x' : `(threadIdx.y * ${x}u + threadIdx.x)`),
  36: () => '32u',
  38: ([x, y, z]) => `${Math.ceil((x * y * z) / 32)}u`,
  40: () => '(threadIdx.x / 32u)',
  41: () => '(threadIdx.x % 32u)',
};

/** Texts of a module's types, constants, variables and values in CUDA C++. */
export class CudaValues {
  readonly module: SpirvModule;
  /** Types of everything that has an id and a value. */
  readonly #types: ReadonlyMap<number, number>;
  /** Pointers are texts of the places to which they point, and no variables. */
  readonly #places = new Map<number, string>();
  readonly #readOnly = new Set<number>();

  constructor(module: SpirvModule) {
    this.module = module;
    this.#types = resultTypes(module);
    for (const variable of module.variables.values()) {
      this.#places.set(variable.id, this.#placeOf(variable));
      if (variable.storage === 'storage' && variable.readOnly) this.#readOnly.add(variable.id);
    }
    // A function's own variables, and the parameters that are references to others'.
    for (const { parameters, blocks } of module.functions.values()) {
      for (const { id, type } of parameters)
        if (typeOf(module, type).kind === 'pointer') this.#places.set(id, `v${id}`);
      for (const { instructions } of blocks)
        for (const { name, result } of instructions)
          if (name === 'Variable') this.#places.set(result, `v${result}`);
    }
  }

  #placeOf({ id, type, storage, builtIn }: SpirvVariable): string {
    if (storage === 'input') {
      const text = builtIns[builtIn ?? -1];
      if (text === undefined)
        throw new UnsupportedSpirvError(`CUDA writer: built-in ${builtIn} is not supported`);
      return text(this.module.workgroupSize);
    }
    if (storage === 'storage')
      return this.bufferElement(type) === undefined ? `(*b${id})` : `b${id}`;
    return `${{ uniform: 'u', workgroup: 'w', private: 'v', function: 'v' }[storage]}${id}`;
  }

  /** Returns the type of a buffer's elements if the buffer is one array of run-time length. */
  bufferElement(pointer: number): number | undefined {
    const { members } = this.#struct(pointeeOf(this.module, pointer));
    const array = typeOf(this.module, members[0] ?? 0);
    return members.length === 1 && array.kind === 'runtimeArray' ? array.element : undefined;
  }

  #struct(id: number): SpirvType & { kind: 'struct' } {
    const type = typeOf(this.module, id);
    if (type.kind !== 'struct') throw new Error(`CUDA writer: ${id} is no struct`);
    return type;
  }

  typeIdOf(value: number): number {
    const type = this.#types.get(value);
    if (type === undefined) throw new Error(`CUDA writer: value ${value} has no type`);
    return type;
  }

  typeOf(value: number): SpirvType {
    return typeOf(this.module, this.typeIdOf(value));
  }

  /** Returns the type to which a pointer value points. */
  pointeeOf(pointer: number): number {
    return pointeeOf(this.module, this.typeIdOf(pointer));
  }

  /** Returns CUDA's name of a type. */
  typeName(id: number): string {
    const type = typeOf(this.module, id);
    switch (type.kind) {
      case 'void':
      case 'bool':
        return type.kind;
      case 'int':
        if (type.bits !== 32)
          throw new UnsupportedSpirvError(
            `CUDA writer: integers of ${type.bits} bits are not supported`,
          );
        return type.signed ? 'int' : 'uint';
      case 'float':
        return type.bits === 16 ? 'half' : 'float';
      case 'vector':
        return `${this.typeName(type.element)}${type.length}`;
      case 'pointer':
        return `${this.typeName(type.pointee)}&`;
      case 'matrix':
        if (this.typeName(type.component) !== (type.use === 'result' ? 'float' : 'half'))
          throw new UnsupportedSpirvError(
            'CUDA writer: matrices are left and right operands in f16 and results in f32',
          );
        return `Matrix<${{ left: 'Left', right: 'Right', result: 'Result' }[type.use]}, ${type.rows}, ${type.columns}>`;
      default:
        return `T${id}`;
    }
  }

  /** Returns the definitions of the module's structs and arrays that function bodies and variables use. */
  typeDefinitions(): string[] {
    return [...this.module.types].flatMap(([id, type]) => {
      if (type.kind === 'array')
        return [`struct T${id} { ${this.typeName(type.element)} e[${type.length}]; };`];
      if (
        type.kind !== 'struct' ||
        type.members.some((member) => typeOf(this.module, member).kind === 'runtimeArray')
      )
        return [];
      return [
        `struct T${id} { ${type.members.map((member, index) => `${this.typeName(member)} m${index};`).join(' ')} };`,
      ];
    });
  }

  /** Returns the text of a value as an operand. */
  value(id: number): string {
    const constant = this.module.constants.get(id);
    if (constant === undefined) return `v${id}`;
    const name = this.typeName(constant.type);
    if (constant.kind === 'null') return `${name}{}`;
    if (constant.kind === 'composite')
      return `${name}{${constant.parts.map((part) => this.value(part)).join(', ')}}`;
    return literal(name, constant.bits);
  }

  place(pointer: number): string {
    const text = this.#places.get(pointer);
    if (text === undefined) throw new Error(`CUDA writer: ${pointer} is no pointer`);
    return text;
  }

  /** Whether a pointer leads into a buffer that the kernel only reads. */
  isReadOnly(pointer: number): boolean {
    return this.#readOnly.has(pointer);
  }

  /** Takes an AccessChain: its result is the text of a place, and no statement. */
  chain({ result, operands }: Instruction): void {
    const [base = 0, ...indices] = operands;
    const pointer = this.typeOf(base);
    let text = this.place(base);
    let at = this.pointeeOf(base);
    const isBuffer =
      pointer.kind === 'pointer' &&
      pointer.storage === 'storage' &&
      typeOf(this.module, at).kind === 'struct' &&
      this.bufferElement(this.typeIdOf(base)) !== undefined;
    for (const [nth, index] of indices.entries()) {
      const type = typeOf(this.module, at);
      const constant = this.module.constants.get(index);
      const known =
        constant?.kind === 'bits' ? constant.bits : constant?.kind === 'null' ? 0 : undefined;
      if (type.kind === 'struct') {
        // The struct around a buffer's one array is the array.
        if (!isBuffer || nth > 0) text += `.m${known ?? 0}`;
        at = type.members[known ?? 0] ?? 0;
      } else if (type.kind === 'runtimeArray' || type.kind === 'array') {
        text += type.kind === 'array' ? `.e[${this.value(index)}]` : `[${this.value(index)}]`;
        at = type.element;
      } else if (type.kind === 'vector') {
        text =
          known === undefined
            ? `(&${text}.x)[${this.value(index)}]`
            : `${text}.${components[known] ?? ''}`;
        at = type.element;
      } else throw new Error(`CUDA writer: an access chain into a ${type.kind}`);
    }
    this.#places.set(result, text);
    if (this.#readOnly.has(base)) this.#readOnly.add(result);
  }
}

function literal(type: string, bits: number): string {
  switch (type) {
    case 'bool':
      return bits === 1 ? 'true' : 'false';
    case 'uint':
      return `${bits}u`;
    case 'int':
      return bits === 0x8000_0000 ? 'int(0x80000000u)' : `${bits | 0}`;
    case 'half':
      return `__ushort_as_half(${bits})`;
    default:
      return `__uint_as_float(${bits}u)`;
  }
}
