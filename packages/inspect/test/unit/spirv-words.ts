import { type OpcodeName, opcodes } from '../../src/spirv/opcode.ts';

type Line = readonly [OpcodeName, ...number[]];

const word = (code: number, operands: readonly number[]): number[] => [
  ((operands.length + 1) << 16) | code,
  ...operands,
];

/** Assembles SPIR-V. */
export const spirvWords = (lines: readonly Line[]): Uint32Array<ArrayBuffer> =>
  Uint32Array.from([
    0x0723_0203,
    0x0001_0300,
    0,
    100,
    0,
    ...lines.flatMap(([name, ...operands]) => word(opcodes[name], operands)),
  ]);

const BUILT_IN = 11;
const LOCAL_INDEX = 29;
const LOCAL_SIZE = 17;
const storage = { input: 1, uniform: 2, workgroup: 4 };

/**
 * A kernel of 64 threads:
 *
 *     var<workgroup> tile: array<vec4f, 576>;
 *     if (local_index == 64) { return; }
 *     for (var i = 0u; i < params.count; i++) { tile[local_index * stride] = tile[local_index]; workgroupBarrier(); }
 */
export const loopKernel = (stride: number): Uint32Array<ArrayBuffer> =>
  spirvWords([
    ['EntryPoint', 5, 50, 0, 21, 22],
    ['ExecutionMode', 50, LOCAL_SIZE, 64, 1, 1],
    ['Decorate', 22, BUILT_IN, LOCAL_INDEX],
    ['TypeVoid', 1],
    ['TypeFunction', 2, 1],
    ['TypeInt', 3, 32, 0],
    ['TypeFloat', 4, 32],
    ['TypeBool', 5],
    ['TypeVector', 6, 4, 4],
    ['Constant', 3, 30, 0],
    ['Constant', 3, 31, 1],
    ['Constant', 3, 32, stride],
    ['Constant', 3, 33, 576],
    ['Constant', 3, 34, 264],
    ['TypeArray', 7, 6, 33],
    ['TypePointer', 8, storage.workgroup, 7],
    ['Variable', 8, 20, storage.workgroup],
    ['TypePointer', 9, storage.workgroup, 6],
    ['TypeStruct', 10, 3],
    ['TypePointer', 11, storage.uniform, 10],
    ['Variable', 11, 21, storage.uniform],
    ['TypePointer', 12, storage.uniform, 3],
    ['TypePointer', 13, storage.input, 3],
    ['Variable', 13, 22, storage.input],
    ['Constant', 3, 35, 64],
    ['Function', 1, 50, 0, 2],
    ['Label', 51],
    ['Load', 3, 60, 22],
    ['IMul', 3, 61, 60, 32],
    ['IEqual', 5, 62, 60, 35],
    ['SelectionMerge', 53, 0],
    ['BranchConditional', 62, 52, 53],
    ['Label', 52],
    ['Return'],
    ['Label', 53],
    ['Branch', 54],
    ['Label', 54],
    ['Phi', 3, 63, 30, 53, 70, 56],
    ['LoopMerge', 57, 56, 0],
    ['Branch', 58],
    ['Label', 58],
    ['AccessChain', 12, 64, 21, 30],
    ['Load', 3, 65, 64],
    ['ULessThan', 5, 66, 63, 65],
    ['BranchConditional', 66, 55, 57],
    ['Label', 55],
    ['AccessChain', 9, 67, 20, 60],
    ['Load', 6, 68, 67],
    ['AccessChain', 9, 69, 20, 61],
    ['Store', 69, 68],
    ['ControlBarrier', 31, 31, 34],
    ['Branch', 56],
    ['Label', 56],
    ['IAdd', 3, 70, 63, 31],
    ['Branch', 54],
    ['Label', 57],
    ['Return'],
    ['FunctionEnd'],
  ]);
