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
 * copied to memory of their own. Emulated subgroups are wider than the device's: neighbouring lanes, so that shuffles among 8 lanes
 * are the device's own. An unknown operation is an error, so that none is left out.
 */
function emulateMatrices(code: string, matrices: EmulatedMatrices): string {
  const enable = 'enable chromium_experimental_subgroup_matrix;\n';
  if (!code.includes(enable)) return code;
  const { subgroupSize } = matrices;
  const lefts = [...code.matchAll(/var (\w+) = array<subgroup_matrix_left<[^>]*>, (\d+)>/g)];
  const kept = lefts.map(([, name, count]): Kept => ({ name: name!, count: Number(count) }));
  const places = new Set<string>();
  const at = (array: string): string => {
    places.add(array);
    return `IN_${array.toUpperCase()}`;
  };
  const body = code
    .replace(enable, '')
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
    .replaceAll(
      /(?<=(\w+)\[(.*)\] = )subgroupMatrixLoad<Left, row_major>\(&(\w+), /g,
      (_, name: string, index: string, array: string) => `keep_${name}(${index}, ${at(array)}, `,
    )
    .replaceAll(
      /subgroupMatrixLoad<Left, row_major>\(&(\w+), /g,
      (_, array: string) => `load_left(${at(array)}, `,
    )
    .replaceAll(
      /subgroupMatrixLoad<Right, (\w+)_major>\(&(\w+), /g,
      (_, order: string, array: string) => `load_right_${order}(${at(array)}, `,
    )
    .replaceAll(/subgroupMatrixLoad<Result, row_major>\(&(\w+), /g, 'load_result_$1(')
    .replaceAll(/subgroupMatrixStore<row_major>\(&(\w+), /g, 'store_result_$1(')
    .replaceAll('subgroupMatrixMultiplyAccumulate(', 'multiply_matrices(')
    .replaceAll('subgroupMatrixScalarMultiply(', 'scale_matrix(');
  if (/subgroup_?[mM]atrix/.test(body)) throw new Error('a matrix operation is not emulated');
  const threads = Number(/@workgroup_size\((\d+)\)/.exec(body)![1]);
  const subgroups = threads / subgroupSize;
  const results = ['scores', 'slopes'].filter((name) => body.includes(`var<workgroup> ${name}:`));
  return [body, declarations(matrices, { subgroups, kept, places: [...places], results })].join(
    '\n',
  );
}

/** An array of left operands. */
interface Kept {
  readonly name: string;
  readonly count: number;
}

interface KernelArrays {
  readonly subgroups: number;
  readonly kept: readonly Kept[];
  /** Workgroup arrays in which operands lie. */
  readonly places: readonly string[];
  /** Workgroup arrays through which results pass. */
  readonly results: readonly string[];
}

// The limits of loops are not constant: CPU adapters would unroll the loops.
const upTo = (count: number): string => `min(params.units, 1u) * ${count}u`;

function declarations(
  { M, N, K, components, subgroupSize }: EmulatedMatrices,
  { subgroups, kept, places, results }: KernelArrays,
): string {
  const eachOwn = (size: number): string =>
    `for (var e = own_lane; e < ${upTo(size)}; e += ${subgroupSize}u)`;
  const constants = [
    ...places.map((name) => `IN_${name.toUpperCase()}`),
    ...kept.map(({ name }) => `KEPT_${name}`),
  ];
  const component = (name: string): string => `f32(${name}[i / 4u][i % 4u])`;
  return `
var<private> own_lane: u32;
var<private> own_subgroup: u32;

${constants.map((name, i) => `const ${name} = ${i}u;`).join('\n')}

struct Left {
  place: u32,
  at: u32,
  by_row: u32,
}

struct Right {
  place: u32,
  at: u32,
  by_row: u32,
  by_column: u32,
}

struct Result {
  own: array<f32, ${(M * N) / subgroupSize}>,
}

${kept
  .map(
    ({ name, count }) => `
var<workgroup> kept_${name}: array<${components}, ${count * M * K * subgroups}>;

fn keep_${name}(index: u32, place: u32, at: u32, stride: u32) -> Left {
  let first = (own_subgroup * ${count}u + index) * ${M * K}u;
  ${eachOwn(M * K)} {
    let i = (at + e / ${K}u * stride) * 4u + e % ${K}u;
    kept_${name}[first + e] = ${components}(component(place, i));
  }
  return Left(KEPT_${name}, first, ${K}u);
}
`,
  )
  .join('\n')}

fn load_left(place: u32, at: u32, stride: u32) -> Left {
  return Left(place, at * 4u, stride * 4u);
}

fn load_right_row(place: u32, at: u32, stride: u32) -> Right {
  return Right(place, at * 4u, stride * 4u, 1u);
}

fn load_right_col(place: u32, at: u32, stride: u32) -> Right {
  return Right(place, at * 4u, 1u, stride * 4u);
}

fn component(place: u32, i: u32) -> f32 {
  ${places.map((name) => `if (place == IN_${name.toUpperCase()}) { return ${component(name)}; }`).join('\n  ')}
  ${kept.map(({ name }) => `if (place == KEPT_${name}) { return f32(kept_${name}[i]); }`).join('\n  ')}
  return 0.0;
}

fn multiply_matrices(left: Left, right: Right, sum: Result) -> Result {
  var result = sum;
  ${eachOwn(M * N)} {
    var x = result.own[e / ${subgroupSize}u];
    for (var k = 0u; k < ${upTo(K)}; k++) {
      let of_left = component(left.place, left.at + e / ${N}u * left.by_row + k);
      x += of_left * component(right.place, right.at + k * right.by_row + e % ${N}u * right.by_column);
    }
    result.own[e / ${subgroupSize}u] = x;
  }
  return result;
}

fn scale_matrix(matrix: Result, factor: f32) -> Result {
  var result = matrix;
  ${eachOwn(M * N)} {
    result.own[e / ${subgroupSize}u] *= factor;
  }
  return result;
}

${results
  .map(
    (name) => `
fn load_result_${name}(at: u32, stride: u32) -> Result {
  var result = Result();
  ${eachOwn(M * N)} {
    result.own[e / ${subgroupSize}u] = ${name}[at + e / ${N}u * stride + e % ${N}u / 4u][e % 4u];
  }
  return result;
}

fn store_result_${name}(at: u32, matrix: Result, stride: u32) {
  var result = matrix;
  ${eachOwn(M * N)} {
    ${name}[at + e / ${N}u * stride + e % ${N}u / 4u][e % 4u] = result.own[e / ${subgroupSize}u];
  }
}
`,
  )
  .join('\n')}`;
}

/** Wraps a device, which then claims to have these matrices, and subgroups of their size. */
export function withMatrices(device: GPUDevice, matrices: EmulatedMatrices): GPUDevice {
  const { components, M, N, K, subgroupSize, limit } = matrices;
  return patchedDevice(device, {
    code: (code) => emulateMatrices(code, matrices),
    features: ['chromium-experimental-subgroup-matrix'],
    limits: { maxComputeWorkgroupStorageSize: limit },
    adapterInfo: {
      // The class with loops over matrices: a CPU's compiler never gets through what is written out.
      description: 'llvmpipe',
      subgroupMinSize: subgroupSize,
      subgroupMaxSize: subgroupSize,
      subgroupMatrixConfigs: [{ componentType: components, resultComponentType: 'f32', M, N, K }],
    },
  });
}
