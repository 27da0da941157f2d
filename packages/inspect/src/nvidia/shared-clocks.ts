import { byteSize } from '../spirv/memory-layout.ts';
import {
  type Instruction,
  pointeeOf,
  resultTypes,
  type SpirvModule,
  typeOf,
} from '../spirv/spirv-module.ts';
import { type WarpAccess, warpTurn } from '../spirv/warp-trace.ts';
import { accessClocks, freeClocks, operandClocks, resultClocks } from './bank-conflicts.ts';
import { WARP_LANES } from './gpu-architecture.ts';
import { type PlainAccess, widened } from './wide-loads.ts';

/** What a warp's accesses to shared memory take in one turn of the loop over tiles, as the kernel's SPIR-V has them. */
export interface SharedTurn {
  /** Clocks of the multiprocessor's shared memory. */
  readonly clocks: number;
  /** Clocks that the same accesses would take if no two words met in a bank. */
  readonly idealClocks: number;
  /** Bytes that the warp's lanes load and store. */
  readonly bytes: number;
  /** Accesses whose place depends on data; they count as if they had no conflict. */
  readonly unknownAccesses: number;
}

const COLUMN_MAJOR = 1;

/** Returns the shared memory's time and traffic for the first warp of a workgroup. */
export function sharedTurn(module: SpirvModule): SharedTurn {
  const types = resultTypes(module);
  const accesses = warpTurn(module, WARP_LANES);
  const plain = accesses.filter(({ instruction }) => !isMatrixAccess(instruction));
  const costs = [
    ...widened(plain.map((access) => plainAccess(module, types, access))).map(plainCost),
    ...accesses
      .filter(({ instruction }) => isMatrixAccess(instruction))
      .map((access) => matrixCost(module, types, access)),
  ];
  const sum = (of: (cost: Cost) => number): number =>
    costs.reduce((total, cost) => total + of(cost), 0);
  return {
    clocks: sum(({ clocks }) => clocks),
    idealClocks: sum(({ ideal }) => ideal),
    bytes: sum(({ bytes }) => bytes),
    unknownAccesses: accesses.filter(({ isUnknown }) => isUnknown).length,
  };
}

interface Cost {
  readonly clocks: number;
  readonly ideal: number;
  readonly bytes: number;
}

const isMatrixAccess = ({ name }: Instruction): boolean =>
  name === 'CooperativeMatrixLoad' || name === 'CooperativeMatrixStore';

function plainAccess(
  module: SpirvModule,
  types: ReadonlyMap<number, number>,
  { instruction: { type, operands }, variable, offsets, isUnknown }: WarpAccess,
): PlainAccess {
  const isStore = type === 0;
  const size = byteSize(module, isStore ? pointeeOf(module, types.get(operands[0]!)!) : type);
  return { variable, offsets, size, isStore, isUnknown };
}

function plainCost({ offsets, size, isUnknown }: PlainAccess): Cost {
  const bytes = size * offsets.filter((offset) => offset !== undefined).length;
  const ideal = isUnknown ? Math.ceil(bytes / 128) : freeClocks(offsets, size);
  return { clocks: isUnknown ? ideal : accessClocks(offsets, size), ideal, bytes };
}

function matrixCost(
  module: SpirvModule,
  types: ReadonlyMap<number, number>,
  access: WarpAccess,
): Cost {
  const { instruction, offsets, stride } = access;
  const { name, operands } = instruction;
  const isLoad = name === 'CooperativeMatrixLoad';
  const matrix = typeOf(module, isLoad ? instruction.type : types.get(operands[1]!)!);
  if (matrix.kind !== 'matrix') throw new Error('SPIR-V: a matrix access of another type');
  const layout = module.constants.get(operands[isLoad ? 1 : 2]!);
  const isColumnMajor = layout?.kind === 'bits' && layout.bits === COLUMN_MAJOR;
  const [lines, length] = isColumnMajor
    ? [matrix.columns, matrix.rows]
    : [matrix.rows, matrix.columns];
  const bytes = lines * length * byteSize(module, matrix.component);
  const ideal = bytes / 128;
  const offset = offsets[0];
  if (offset === undefined || stride === undefined) return { clocks: ideal, ideal, bytes };
  const element = byteSize(module, pointeeOf(module, types.get(operands[0]!)!));
  const place = { offset, stride: stride * element, lines, length };
  return {
    clocks: matrix.use === 'result' ? resultClocks(place, isColumnMajor) : operandClocks(place),
    ideal,
    bytes,
  };
}
