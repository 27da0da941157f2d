import { byteSize } from '../spirv/memory-layout.ts';
import { pointeeOf, resultTypes, type SpirvModule, typeOf } from '../spirv/spirv-module.ts';
import { type WarpAccess, warpTurn } from '../spirv/warp-trace.ts';
import { accessClocks, operandClocks, resultClocks } from './bank-conflicts.ts';
import { WARP_LANES } from './gpu-architecture.ts';

/** What a warp's accesses to shared memory take in one turn of the loop over tiles, as the kernel's SPIR-V has them. */
export interface SharedTurn {
  /** Clocks of the multiprocessor's shared memory. */
  readonly clocks: number;
  /** Clocks that the same accesses would take without bank conflicts. */
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
  const costs = accesses.map((access) => costOf(module, types, access));
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

function costOf(module: SpirvModule, types: ReadonlyMap<number, number>, access: WarpAccess): Cost {
  const { name, type, operands } = access.instruction;
  if (name === 'CooperativeMatrixLoad' || name === 'CooperativeMatrixStore')
    return matrixCost(module, types, access);
  const isStore = type === 0;
  const size = byteSize(module, isStore ? pointeeOf(module, types.get(operands[0]!)!) : type);
  const lanes = access.offsets.filter((offset) => offset !== undefined).length;
  const bytes = size * lanes;
  const ideal = Math.ceil(bytes / 128);
  if (access.isUnknown) return { clocks: ideal, ideal, bytes };
  return { clocks: accessClocks(access.offsets, size), ideal, bytes };
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
