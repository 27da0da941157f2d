import type { SubgroupMatrixConfig } from '@heed/core';
import { patchedDevice } from '../once/patched-device.ts';

/** Matrices to emulate. */
export interface EmulatedMatrices extends Pick<SubgroupMatrixConfig, 'M' | 'N' | 'K'> {
  readonly components: 'f16' | 'f32';
  readonly subgroupSize: number;
  /**
   * Bytes of workgroup memory that the kernel may have of 32 KiB. The emulation keeps there what real subgroups keep in registers
   * as operands.
   */
  readonly limit: number;
}

type Kind = 'left' | 'right' | 'result';
const structs = { left: 'Left', right: 'Right', result: 'Result' } as const;

/**
 * Replaces subgroup matrices in a shader by structs, to test shapes that no available adapter has. Each lane has its share of a
 * result. Operands refer to workgroup memory, in which they lie until they are used; arrays of left operands, which do not, are
 * copied to memory of their own. There is a function for each pair of arrays whose matrices are multiplied. Emulated subgroups are
 * wider than the device's: neighbouring lanes, so that shuffles among 8 lanes are the device's own. An unknown operation is an
 * error, so that none is left out.
 */
function emulateMatrices(code: string, matrices: EmulatedMatrices): string {
  const enable = 'enable chromium_experimental_subgroup_matrix;\n';
  if (!code.includes(enable)) return code;
  const { subgroupSize } = matrices;
  const lefts = [...code.matchAll(/var (\w+) = array<subgroup_matrix_left<[^>]*>, (\d+)>/g)];
  const copies = new Map<string, Copy>();
  // The array in which the matrices of a name lie.
  const arrayOf = new Map<string, string>();
  const products = new Set<string>();
  const copied = (_: string, name: string, index: string, array: string): string => {
    const count = Number(lefts.find((left) => left[1] === name)![2]);
    copies.set(name, { name, count, array });
    return `${name}[${index}] = copy_${name}(${index}, `;
  };
  const loaded =
    (call: string) =>
    (_: string, name: string, digits: string, order: string, array: string): string => {
      arrayOf.set(name, array);
      return `let ${name}${digits} = ${call}_${order}(`;
    };
  const multiplied = (_: string, left: string, digits: string, right: string): string => {
    const product = `${arrayOf.get(left)!} ${arrayOf.get(right)!}`;
    products.add(product);
    return `multiply_${product.replace(' ', '_')}(${left}${digits}, ${right}`;
  };
  const body = code
    .replace(enable, '')
    .replace('enable subgroup_size_control;\n', '')
    .replace(/@subgroup_size\(\d+\) ?/, '')
    .replace('subgroup_invocation_id) lane: u32', 'local_invocation_index) thread_index: u32')
    .replace(/\n.*@builtin\(subgroup_id\) subgroup: u32,/, '')
    .replace(
      'let thread = ',
      'let lane = own_lane;\n  let subgroup = own_subgroup;\n  let thread = ',
    )
    .replace(
      'let unit =',
      `own_lane = thread_index % ${subgroupSize}u;\n  own_subgroup = thread_index / ${subgroupSize}u;\n  let unit =`,
    )
    .replaceAll(/subgroup_matrix_(left|right|result)<[^>]*>/g, (_, kind: Kind) => structs[kind])
    .replaceAll(/(\w+)\[(.*)\] = subgroupMatrixLoad<Left, row_major>\(&(\w+), /g, copied)
    .replaceAll(
      /let (\D+)(\d+) = subgroupMatrixLoad<Left, (row)_major>\(&(\w+), /g,
      loaded('load_left'),
    )
    .replaceAll(
      /let (\w+)() = subgroupMatrixLoad<Right, (\w+)_major>\(&(\w+), /g,
      loaded('load_right'),
    )
    .replaceAll(/let (\D+)(\d+) = (\w+)\[/g, (text, name: string, _, array: string) => {
      if (copies.has(array)) arrayOf.set(name, `copied_${array}`);
      return text;
    })
    .replaceAll(/subgroupMatrixMultiplyAccumulate\((\D+)(\d+), (\w+)/g, multiplied)
    .replaceAll(/subgroupMatrixLoad<Result, row_major>\(&(\w+), /g, 'load_result_$1(')
    .replaceAll(/subgroupMatrixStore<row_major>\(&(\w+), /g, 'store_result_$1(')
    .replaceAll('subgroupMatrixScalarMultiply(', 'scale_matrix(');
  if (/subgroup_?[mM]atrix/.test(body)) throw new Error('a matrix operation is not emulated');
  const threads = Number(/@workgroup_size\((\d+)\)/.exec(body)![1]);
  const results = ['scores', 'slopes'].filter((name) => body.includes(`var<workgroup> ${name}:`));
  return [
    body,
    commonText(matrices),
    ...[...copies.values()].map((copy) => copyText(matrices, copy, threads / subgroupSize)),
    ...[...products].map((product) =>
      productText(matrices, product.split(' ') as [string, string]),
    ),
    ...results.map((array) => resultText(matrices, array)),
  ].join('\n');
}

/** An array of left operands, and the workgroup array from which they are copied. */
interface Copy {
  readonly name: string;
  readonly count: number;
  readonly array: string;
}

// The limits of loops are not constant: CPU adapters would unroll the loops.
const upTo = (count: number): string => `min(params.units, 1u) * ${count}u`;

/** Returns the beginning of a loop over a lane's elements of a matrix. */
const eachOwn = ({ subgroupSize }: EmulatedMatrices, size: number): string =>
  `for (var e = own_lane; e < ${upTo(size)}; e += ${subgroupSize}u)`;

/** Returns component i of an array. */
const componentOf = (array: string): string =>
  array.startsWith('copied_') ? `f32(${array}[i])` : `f32(${array}[i / 4u][i % 4u])`;

const commonText = (matrices: EmulatedMatrices): string => `
var<private> own_lane: u32;
var<private> own_subgroup: u32;

struct Left {
  at: u32,
  by_row: u32,
}

struct Right {
  at: u32,
  by_row: u32,
  by_column: u32,
}

struct Result {
  own: array<f32, ${(matrices.M * matrices.N) / matrices.subgroupSize}>,
}

fn load_left_row(at: u32, stride: u32) -> Left {
  return Left(at * 4u, stride * 4u);
}

fn load_right_row(at: u32, stride: u32) -> Right {
  return Right(at * 4u, stride * 4u, 1u);
}

fn load_right_col(at: u32, stride: u32) -> Right {
  return Right(at * 4u, 1u, stride * 4u);
}

fn scale_matrix(matrix: Result, factor: f32) -> Result {
  var result = matrix;
  ${eachOwn(matrices, matrices.M * matrices.N)} {
    result.own[e / ${matrices.subgroupSize}u] *= factor;
  }
  return result;
}`;

function copyText(
  matrices: EmulatedMatrices,
  { name, count, array }: Copy,
  subgroups: number,
): string {
  const { M, K, components } = matrices;
  return `
var<workgroup> copied_${name}: array<${components}, ${count * M * K * subgroups}>;

fn copy_${name}(index: u32, at: u32, stride: u32) -> Left {
  let first = (own_subgroup * ${count}u + index) * ${M * K}u;
  ${eachOwn(matrices, M * K)} {
    let i = (at + e / ${K}u * stride) * 4u + e % ${K}u;
    copied_${name}[first + e] = ${array}[i / 4u][i % 4u];
  }
  return Left(first, ${K}u);
}`;
}

function productText(matrices: EmulatedMatrices, [left, right]: readonly [string, string]): string {
  const { M, N, K, subgroupSize } = matrices;
  return `
fn left_${left}_${right}(i: u32) -> f32 {
  return ${componentOf(left)};
}

fn right_${left}_${right}(i: u32) -> f32 {
  return ${componentOf(right)};
}

fn multiply_${left}_${right}(left: Left, right: Right, sum: Result) -> Result {
  var result = sum;
  ${eachOwn(matrices, M * N)} {
    var x = result.own[e / ${subgroupSize}u];
    for (var k = 0u; k < ${upTo(K)}; k++) {
      let of_left = left_${left}_${right}(left.at + e / ${N}u * left.by_row + k);
      x += of_left * right_${left}_${right}(right.at + k * right.by_row + e % ${N}u * right.by_column);
    }
    result.own[e / ${subgroupSize}u] = x;
  }
  return result;
}`;
}

function resultText(matrices: EmulatedMatrices, array: string): string {
  const { M, N, subgroupSize } = matrices;
  const place = `${array}[at + e / ${N}u * stride + e % ${N}u / 4u][e % 4u]`;
  return `
fn load_result_${array}(at: u32, stride: u32) -> Result {
  var result = Result();
  ${eachOwn(matrices, M * N)} {
    result.own[e / ${subgroupSize}u] = ${place};
  }
  return result;
}

fn store_result_${array}(at: u32, matrix: Result, stride: u32) {
  var result = matrix;
  ${eachOwn(matrices, M * N)} {
    ${place} = result.own[e / ${subgroupSize}u];
  }
}`;
}

/** Lanes that shuffle on the device itself. */
const OWN_LANES = 8;

/** Wraps a device, which then claims to have these matrices, and subgroups of their size. */
export function withMatrices(device: GPUDevice, matrices: EmulatedMatrices): GPUDevice {
  const { components, M, N, K, subgroupSize, limit } = matrices;
  return patchedDevice(device, {
    code: (code) => emulateMatrices(code, matrices),
    features: ['chromium-experimental-subgroup-matrix', 'subgroup-size-control'],
    limits: { maxComputeWorkgroupStorageSize: limit },
    adapterInfo: {
      // The class with loops over matrices: a CPU's compiler never gets through what is written out.
      description: 'llvmpipe',
      // Its own size and the emulated one: paths that are not emulated must not count on more lanes than there are.
      subgroupMinSize: OWN_LANES,
      subgroupMaxSize: subgroupSize,
      subgroupMatrixConfigs: [{ componentType: components, resultComponentType: 'f32', M, N, K }],
    },
  });
}
