import type { Block, SpirvFunction, SpirvModule, SpirvVariable } from '../spirv/spirv-module.ts';
import { cudaStatement } from './cuda-statements.ts';
import { CudaValues } from './cuda-values.ts';

/** The name of the kernel in the text and in the cubin. */
export const KERNEL = 'kernel';

/**
 * Returns a compute shader's SPIR-V as CUDA C++ that includes `prelude.cuh`. Each block is a label and each value a variable, so that
 * the control flow and the order of operations are those of the SPIR-V; nvcc's front end makes SSA of them again. Storage buffers are
 * pointers without bounds checks, the uniform buffer is in constant memory, and workgroup memory is not zeroed.
 */
export function writeCuda(module: SpirvModule): string {
  const values = new CudaValues(module);
  const functions = calleesFirst(module);
  return [
    '#include "prelude.cuh"',
    ...values.typeDefinitions(),
    ...moduleVariables(values),
    ...parameters(values),
    ...functions.map((fn) => functionText(values, fn)),
    '',
  ].join('\n');
}

function moduleVariables(values: CudaValues): string[] {
  return [...values.module.variables.values()].flatMap(({ id, storage }) => {
    if (storage !== 'uniform' && storage !== 'workgroup') return [];
    const name = values.typeName(values.pointeeOf(id));
    return storage === 'uniform'
      ? [`__constant__ ${name} u${id};`]
      : [`__shared__ __align__(16) ${name} w${id};`];
  });
}

/**
 * Every function takes every buffer and private variable. An inlined `__restrict__` parameter keeps its meaning, which a global pointer
 * has not, and a private variable can be in registers if it is the kernel's own.
 */
function parameters(values: CudaValues): string[] {
  const buffers = variablesOf(values, 'storage').map(({ id, type, readOnly }) => {
    const element = values.typeName(values.bufferElement(type) ?? values.pointeeOf(id));
    return `${readOnly ? 'const ' : ''}${element}* __restrict__ b${id}`;
  });
  const privates = variablesOf(values, 'private');
  const references = privates.map(({ id }) => `${values.typeName(values.pointeeOf(id))}& v${id}`);
  const names = [
    ...variablesOf(values, 'storage').map(({ id }) => `b${id}`),
    ...privates.map(({ id }) => `v${id}`),
  ];
  return [
    `#define BUFFERS ${buffers.join(', ')}`,
    `#define PARAMETERS ${[...buffers, ...references].join(', ')}`,
    `#define ARGUMENTS ${names.join(', ')}`,
  ];
}

const variablesOf = ({ module }: CudaValues, storage: SpirvVariable['storage']): SpirvVariable[] =>
  [...module.variables.values()].filter((variable) => variable.storage === storage);

/** Returns the module's functions such that none calls a later one. WGSL has no recursion. */
function calleesFirst(module: SpirvModule): SpirvFunction[] {
  const order = new Set<SpirvFunction>();
  const visit = (fn: SpirvFunction): void => {
    if (order.has(fn)) return;
    for (const { instructions } of fn.blocks)
      for (const { name, operands } of instructions) {
        const callee = name === 'FunctionCall' ? module.functions.get(operands[0] ?? 0) : undefined;
        if (callee !== undefined) visit(callee);
      }
    order.add(fn);
  };
  const entry = module.functions.get(module.entry);
  if (entry === undefined) throw new Error('CUDA writer: the module has no entry point');
  visit(entry);
  return [...order];
}

function functionText(values: CudaValues, fn: SpirvFunction): string {
  const head =
    fn.id === values.module.entry
      ? `extern "C" __global__ void __launch_bounds__(${values.module.workgroupSize.reduce((a, b) => a * b)}, 1) ${KERNEL}(BUFFERS)`
      : `INLINE ${values.typeName(fn.resultType)} f${fn.id}(${[
          'PARAMETERS',
          ...fn.parameters.map(({ id, type }) => `${values.typeName(type)} v${id}`),
        ].join(', ')})`;
  const body = fn.blocks.flatMap((block) => blockText(values, fn, block));
  const privates = fn.id === values.module.entry ? variablesOf(values, 'private') : [];
  const own = privates.map(({ id, initial }) => {
    const name = values.typeName(values.pointeeOf(id));
    return initial === undefined ? `${name} v${id};` : `${name} v${id} = ${values.value(initial)};`;
  });
  return [head, '{', ...own, ...declarations(values, fn), ...body, '}'].join('\n');
}

/** C++ forbids a jump over an initialiser, so all of a function's variables are declared first. */
function declarations(values: CudaValues, { blocks }: SpirvFunction): string[] {
  return blocks.flatMap(({ instructions }) =>
    instructions.flatMap(({ name, type, result }) => {
      if (result === 0 || name === 'AccessChain') return [];
      const text = values.typeName(name === 'Variable' ? values.pointeeOf(result) : type);
      if (text === 'void') return [];
      return [`${text} v${result};${name === 'Phi' ? ` ${text} p${result};` : ''}`];
    }),
  );
}

function blockText(
  values: CudaValues,
  fn: SpirvFunction,
  { label, instructions }: Block,
): string[] {
  const lines = [`L${label}:;`];
  for (const instruction of instructions) {
    const { name, result, operands } = instruction;
    const [a = 0, b = 0, c = 0] = operands;
    switch (name) {
      case 'LoopMerge':
      case 'SelectionMerge':
        break;
      case 'Phi':
        lines.push(`v${result} = p${result};`);
        break;
      case 'Branch':
        lines.push(...phiCopies(values, fn, label), `goto L${a};`);
        break;
      case 'BranchConditional':
        lines.push(
          ...phiCopies(values, fn, label),
          `if (${values.value(a)}) goto L${b}; else goto L${c};`,
        );
        break;
      case 'Switch':
        lines.push(
          ...phiCopies(values, fn, label),
          switchText(values.value(a), b, operands.slice(2)),
        );
        break;
      case 'Return':
      case 'Kill':
        lines.push('return;');
        break;
      case 'ReturnValue':
        lines.push(`return ${values.value(a)};`);
        break;
      case 'Unreachable':
        lines.push('__builtin_unreachable();');
        break;
      default: {
        const text = cudaStatement(values, instruction);
        if (text !== '') lines.push(text);
      }
    }
  }
  return lines;
}

/** The values that a block hands to the phis of all blocks after it, in variables of their own: phis read one another's old values. */
function phiCopies(values: CudaValues, fn: SpirvFunction, from: number): string[] {
  return fn.blocks.flatMap(({ instructions }) =>
    instructions.flatMap(({ name, result, operands }) => {
      if (name !== 'Phi') return [];
      const at = operands.findIndex((id, index) => index % 2 === 1 && id === from);
      return at < 0 ? [] : [`p${result} = ${values.value(operands[at - 1] ?? 0)};`];
    }),
  );
}

function switchText(value: string, otherwise: number, cases: readonly number[]): string {
  const texts = cases.flatMap((literal, index) =>
    index % 2 === 0 ? [`case ${literal | 0}: goto L${cases[index + 1]};`] : [],
  );
  return `switch (int(${value})) { ${texts.join(' ')} default: goto L${otherwise}; }`;
}
