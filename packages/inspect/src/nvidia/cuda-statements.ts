import type { OpcodeName } from '../spirv/opcode.ts';
import { type Instruction, typeOf, UnsupportedSpirvError } from '../spirv/spirv-module.ts';
import { components, type CudaValues } from './cuda-values.ts';

/** `a`, `b` and `c` in these are the operands, or one component of each where the result is a vector. */
const scalarForms: Partial<Record<OpcodeName, string>> = {
  ConvertFToU: 'uint(float(a))',
  ConvertFToS: 'int(float(a))',
  ConvertSToF: 'TYPE(int(a))',
  ConvertUToF: 'TYPE(uint(a))',
  UConvert: 'TYPE(a)',
  SConvert: 'TYPE(a)',
  FConvert: 'TYPE(a)',
  SNegate: 'TYPE(0u - uint(a))',
  FNegate: '-a',
  IAdd: 'TYPE(uint(a) + uint(b))',
  FAdd: 'a + b',
  ISub: 'TYPE(uint(a) - uint(b))',
  FSub: 'a - b',
  IMul: 'TYPE(uint(a) * uint(b))',
  FMul: 'a * b',
  UDiv: 'a / b',
  SDiv: 'a / b',
  FDiv: 'a / b',
  UMod: 'a % b',
  SRem: 'a % b',
  FRem: 'fmodf(a, b)',
  IsNan: 'isnan(a)',
  IsInf: 'isinf(a)',
  LogicalEqual: 'a == b',
  LogicalNotEqual: 'a != b',
  LogicalOr: 'a || b',
  LogicalAnd: 'a && b',
  LogicalNot: '!a',
  IEqual: 'a == b',
  INotEqual: 'a != b',
  UGreaterThan: 'a > b',
  SGreaterThan: 'a > b',
  UGreaterThanEqual: 'a >= b',
  SGreaterThanEqual: 'a >= b',
  ULessThan: 'a < b',
  SLessThan: 'a < b',
  ULessThanEqual: 'a <= b',
  SLessThanEqual: 'a <= b',
  FOrdEqual: 'a == b',
  FUnordNotEqual: 'a != b',
  FOrdLessThan: 'a < b',
  FOrdGreaterThan: 'a > b',
  FOrdLessThanEqual: 'a <= b',
  FOrdGreaterThanEqual: 'a >= b',
  ShiftRightLogical: 'TYPE(uint(a) >> uint(b))',
  ShiftRightArithmetic: 'TYPE(int(a) >> uint(b))',
  ShiftLeftLogical: 'TYPE(uint(a) << uint(b))',
  BitwiseOr: 'a | b',
  BitwiseXor: 'a ^ b',
  BitwiseAnd: 'a & b',
  Not: '~a',
  BitCount: '__popc(a)',
  BitFieldUExtract: 'extract_bits(uint(a), b, c)',
  BitFieldSExtract: 'extract_bits(int(a), b, c)',
  SDot: '__dp4a(int(a), int(b), 0)',
  UDot: '__dp4a(uint(a), uint(b), 0u)',
};

/** Instructions of the extended set GLSL.std.450, by number. */
const extendedForms: Record<number, string> = {
  1: 'rintf(a)',
  2: 'rintf(a)',
  3: 'truncf(a)',
  4: 'fabsf(a)',
  5: 'abs(a)',
  6: 'TYPE(int(a > TYPE(0)) - int(a < TYPE(0)))',
  7: 'int(a > 0) - int(a < 0)',
  8: 'floorf(a)',
  9: 'ceilf(a)',
  10: '(a - floorf(a))',
  13: 'sinf(a)',
  14: 'cosf(a)',
  18: 'atanf(a)',
  21: 'tanhf(a)',
  25: 'atan2f(a, b)',
  26: 'powf(a, b)',
  27: 'expf(a)',
  28: 'logf(a)',
  29: 'exp2f(a)',
  30: 'log2f(a)',
  31: 'sqrtf(a)',
  32: 'rsqrtf(a)',
  37: 'least(a, b)',
  38: 'least(a, b)',
  39: 'least(a, b)',
  40: 'greatest(a, b)',
  41: 'greatest(a, b)',
  42: 'greatest(a, b)',
  43: 'least(greatest(a, b), c)',
  44: 'least(greatest(a, b), c)',
  45: 'least(greatest(a, b), c)',
  46: '(a + (b - a) * c)',
  50: 'fused(a, b, c)',
  53: 'ldexpf(a, b)',
  73: 'uint(__ffs(a) - 1)',
  75: 'uint(31 - __clz(a))',
  79: 'least(a, b)',
  80: 'greatest(a, b)',
  81: 'least(greatest(a, b), c)',
};
const PACK_HALF_2X16 = 58;
const UNPACK_HALF_2X16 = 62;

const atomics: Partial<Record<OpcodeName, string>> = {
  AtomicExchange: 'atomicExch',
  AtomicIAdd: 'atomicAdd',
  AtomicUMin: 'atomicMin',
  AtomicUMax: 'atomicMax',
  AtomicAnd: 'atomicAnd',
  AtomicOr: 'atomicOr',
};

const reductions: Partial<Record<OpcodeName, string>> = {
  GroupNonUniformIAdd: 'lanes_add',
  GroupNonUniformFAdd: 'lanes_add',
  GroupNonUniformFMin: 'lanes_min',
  GroupNonUniformFMax: 'lanes_max',
};

const COLUMN_MAJOR = 1;

/** Returns the statement of one instruction that is neither control flow nor a phi; '' for one that only names a place. */
export function cudaStatement(values: CudaValues, instruction: Instruction): string {
  const { name, type, result, operands } = instruction;
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = operands;
  const set = (text: string): string => `v${result} = ${text};`;
  const value = (id: number): string => values.value(id);
  switch (name) {
    case 'Variable':
      return a !== 0 && b !== 0 ? set(value(b)) : '';
    case 'AccessChain':
      values.chain(instruction);
      return '';
    case 'Load':
      return set(values.isReadOnly(a) ? `read(&${values.place(a)})` : values.place(a));
    case 'Store':
      return `${values.place(a)} = ${value(b)};`;
    case 'FunctionCall': {
      const args = operands
        .slice(1)
        .map((id) => (values.typeOf(id).kind === 'pointer' ? values.place(id) : value(id)));
      const text = `f${a}(${['ARGUMENTS', ...args].join(', ')})`;
      return values.typeName(type) === 'void' ? `${text};` : set(text);
    }
    case 'CompositeConstruct':
      return set(construct(values, type, operands));
    case 'CompositeExtract':
      return set(value(a) + memberPath(values, values.typeIdOf(a), operands.slice(1)));
    case 'CompositeInsert':
      return `${set(value(b))} v${result}${memberPath(values, type, operands.slice(2))} = ${value(a)};`;
    case 'VectorExtractDynamic':
      return set(`(&${value(a)}.x)[${value(b)}]`);
    case 'VectorShuffle':
      return set(shuffle(values, instruction));
    case 'Bitcast':
      return set(`bits<${values.typeName(type)}>(${value(a)})`);
    case 'Select':
      return set(select(values, instruction));
    case 'VectorTimesScalar':
      return set(wise(values, type, [a], `a * ${value(b)}`));
    case 'MatrixTimesScalar':
      return set(`scale(${value(a)}, ${value(b)})`);
    case 'Dot':
      return set(dot(values, a, b));
    case 'Any':
    case 'All':
      return set(inComponents(values, a).join(name === 'Any' ? ' || ' : ' && '));
    case 'IAddCarry':
      return `v${result}.m0 = ${value(a)} + ${value(b)}; v${result}.m1 = v${result}.m0 < ${value(a)};`;
    case 'ExtInst':
      return set(extended(values, type, b, operands.slice(2)));
    case 'ControlBarrier':
      return '__syncthreads();';
    case 'MemoryBarrier':
      return '__threadfence();';
    case 'AtomicLoad':
      return set(`*(volatile ${values.typeName(type)}*)&${values.place(a)}`);
    case 'AtomicStore':
      return `*(volatile ${values.typeName(values.pointeeOf(a))}*)&${values.place(a)} = ${value(d)};`;
    case 'GroupNonUniformElect':
      return set('(threadIdx.x % 32u) == 0u');
    case 'GroupNonUniformAll':
      return set(`__all_sync(~0u, ${value(b)})`);
    case 'GroupNonUniformAny':
      return set(`__any_sync(~0u, ${value(b)})`);
    case 'GroupNonUniformBroadcast':
    case 'GroupNonUniformShuffle':
      return set(wise(values, type, [b], `__shfl_sync(~0u, a, ${value(c)})`));
    case 'GroupNonUniformBroadcastFirst':
      return set(wise(values, type, [b], '__shfl_sync(~0u, a, 0)'));
    case 'GroupNonUniformShuffleXor':
      return set(wise(values, type, [b], `__shfl_xor_sync(~0u, a, ${value(c)})`));
    case 'CooperativeMatrixLoad':
      return `load_matrix<${isColumnMajor(values, b)}>(v${result}, &${values.place(a)}, ${value(c)});`;
    case 'CooperativeMatrixStore':
      return `store_matrix<${isColumnMajor(values, c)}>(${value(b)}, &${values.place(a)}, ${value(d)});`;
    case 'CooperativeMatrixMulAdd':
      return set(`multiply_add(${value(a)}, ${value(b)}, ${value(c)})`);
    default: {
      const atomic = atomics[name];
      if (atomic !== undefined) return set(`${atomic}(&${values.place(a)}, ${value(d)})`);
      const reduction = reductions[name];
      if (reduction !== undefined) return set(wise(values, type, [c], `${reduction}(a)`));
      const form = scalarForms[name];
      if (form === undefined)
        throw new UnsupportedSpirvError(`CUDA writer: ${name} is not supported`);
      if (e !== 0) throw new Error(`CUDA writer: ${name} with ${operands.length} operands`);
      // The third operand of a product of packed integers is a literal.
      const count = name === 'SDot' || name === 'UDot' ? 2 : 3;
      return set(wise(values, type, operands.slice(0, count), form));
    }
  }
}

function isColumnMajor(values: CudaValues, layout: number): boolean {
  const constant = values.module.constants.get(layout);
  return constant?.kind === 'bits' && constant.bits === COLUMN_MAJOR;
}

/** Returns a value's components as operands: of a vector one per lane, of a scalar the value itself. */
function inComponents(values: CudaValues, id: number): string[] {
  const type = values.typeOf(id);
  if (type.kind !== 'vector') return [values.value(id)];
  const constant = values.module.constants.get(id);
  if (constant?.kind === 'composite') return constant.parts.map((part) => values.value(part));
  const text = values.value(id);
  return components.slice(0, type.length).map((component) => `${text}.${component}`);
}

/** Returns an expression of the given form in each component of the result's type. */
function wise(values: CudaValues, type: number, operands: readonly number[], form: string): string {
  const result = typeOf(values.module, type);
  const name = values.typeName(type);
  const scalar = result.kind === 'vector' ? values.typeName(result.element) : name;
  const parts = operands.map((id) => inComponents(values, id));
  const at = (lane: number): string =>
    form.replaceAll(/\b(?:TYPE|[abc])\b/g, (word) =>
      word === 'TYPE'
        ? scalar
        : (parts['abc'.indexOf(word)]?.[lane] ?? parts['abc'.indexOf(word)]?.[0] ?? word),
    );
  if (result.kind !== 'vector') return at(0);
  return `${name}{${Array.from({ length: result.length }, (_, lane) => at(lane)).join(', ')}}`;
}

function construct(values: CudaValues, type: number, parts: readonly number[]): string {
  const result = typeOf(values.module, type);
  const name = values.typeName(type);
  if (result.kind === 'matrix') return `filled<${name}>(${values.value(parts[0] ?? 0)})`;
  const texts =
    result.kind === 'vector'
      ? parts.flatMap((id) => inComponents(values, id))
      : parts.map((id) => values.value(id));
  return `${name}{${texts.join(', ')}}`;
}

function memberPath(values: CudaValues, from: number, indices: readonly number[]): string {
  let at = from;
  let path = '';
  for (const index of indices) {
    const type = typeOf(values.module, at);
    if (type.kind === 'struct') {
      path += `.m${index}`;
      at = type.members[index] ?? 0;
    } else if (type.kind === 'array') {
      path += `.e[${index}]`;
      at = type.element;
    } else if (type.kind === 'vector') {
      path += `.${components[index] ?? ''}`;
      at = type.element;
    } else throw new Error(`CUDA writer: a part of a ${type.kind}`);
  }
  return path;
}

function shuffle(values: CudaValues, { type, operands }: Instruction): string {
  const [a = 0, b = 0, ...lanes] = operands;
  const all = [...inComponents(values, a), ...inComponents(values, b)];
  return `${values.typeName(type)}{${lanes.map((lane) => all[lane] ?? all[0]).join(', ')}}`;
}

function select(values: CudaValues, { type, operands }: Instruction): string {
  const [condition = 0, a = 0, b = 0] = operands;
  if (values.typeOf(condition).kind === 'vector')
    return wise(values, type, [condition, a, b], 'a ? b : c');
  return `${values.value(condition)} ? ${values.value(a)} : ${values.value(b)}`;
}

function dot(values: CudaValues, a: number, b: number): string {
  const rights = inComponents(values, b);
  return inComponents(values, a)
    .map((left, lane) => `${left} * ${rights[lane]}`)
    .join(' + ');
}

function extended(
  values: CudaValues,
  type: number,
  code: number,
  operands: readonly number[],
): string {
  const [a = 0] = operands;
  if (code === PACK_HALF_2X16) return `pack_halves(${values.value(a)})`;
  if (code === UNPACK_HALF_2X16) return `unpack_halves(${values.value(a)})`;
  const form = extendedForms[code];
  if (form === undefined)
    throw new UnsupportedSpirvError(
      `CUDA writer: instruction ${code} of GLSL.std.450 is not supported`,
    );
  return wise(values, type, operands, form);
}
