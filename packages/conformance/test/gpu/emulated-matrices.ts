import type { SubgroupMatrixConfig } from '@heed/core';
import { patchedDevice } from '../once/patched-device.ts';

/** Matrices to emulate. */
export interface EmulatedMatrices extends Pick<SubgroupMatrixConfig, 'M' | 'N' | 'K'> {
  readonly components: 'f16' | 'f32';
  readonly subgroupSize: number;
}

// Components of q, which the emulation keeps in workgroup memory beside the kernel's own.
const QUERY = { f16: 4096, f32: 2048 } as const;
// What the kernel may have of 32 KiB. Its tiles then have no more rows than that of q.
const LIMIT = { f16: 20_480, f32: 15_360 } as const;

type Kind = 'left' | 'right' | 'result';
const structs = { left: 'Left', right: 'Right', result: 'Result' } as const;

/**
 * Replaces subgroup matrices in a shader by structs, to test shapes that no available adapter has. Each lane has its share of a
 * result. Operands refer to workgroup memory, in which they lie until they are used; q, which does not, is copied to memory of its
 * own. Emulated subgroups are wider than the device's: neighbouring lanes, so that shuffles among 8 lanes are the device's own.
 * An unknown operation is an error, so that none is left out.
 */
function emulateMatrices(code: string, matrices: EmulatedMatrices): string {
  const enable = 'enable chromium_experimental_subgroup_matrix;\n';
  if (!code.includes(enable)) return code;
  const { subgroupSize } = matrices;
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
    .replaceAll(/(query\[.*\] = )subgroupMatrixLoad<Left, row_major>\(&\w+, /g, '$1keep_query(')
    .replaceAll('subgroupMatrixLoad<Left, row_major>(&q_tile, ', 'load_left(IN_TILE, ')
    .replaceAll(/subgroupMatrixLoad<Left, row_major>\(&\w+, /g, 'load_left(IN_WEIGHTS, ')
    .replaceAll(/subgroupMatrixLoad<Right, (\w+)_major>\(&kv_tile, /g, 'load_right_$1(')
    .replaceAll('subgroupMatrixLoad<Result, row_major>(&scores, ', 'load_result(')
    .replaceAll('subgroupMatrixStore<row_major>(&scores, ', 'store_result(')
    .replaceAll('subgroupMatrixMultiplyAccumulate(', 'multiply_matrices(');
  if (/subgroup_?[mM]atrix/.test(body)) throw new Error('a matrix operation is not emulated');
  const threads = Number(/@workgroup_size\((\d+)\)/.exec(body)![1]);
  const hasTile = body.includes('var<workgroup> q_tile:');
  return [body, declarations(matrices, threads / subgroupSize, hasTile)].join('\n');
}

// The limits of loops are not constant: CPU adapters would unroll the loops.
const upTo = (count: number): string => `min(params.units, 1u) * ${count}u`;

function declarations(
  { M, N, K, components, subgroupSize }: EmulatedMatrices,
  subgroups: number,
  hasTile: boolean,
): string {
  const weights = components === 'f16' ? 'weights' : 'scores';
  const eachOwn = (size: number): string =>
    `for (var e = own_lane; e < ${upTo(size)}; e += ${subgroupSize}u)`;
  return `
var<private> own_lane: u32;
var<private> own_subgroup: u32;
// The number of matrices of q that the subgroup has kept.
var<private> kept: u32;
var<workgroup> kept_query: array<${components}, ${QUERY[components]}>;

const KEPT = 0u;
const IN_WEIGHTS = 1u;
const IN_TILE = 2u;

struct Left {
  place: u32,
  at: u32,
  by_row: u32,
}

struct Right {
  at: u32,
  by_row: u32,
  by_column: u32,
}

struct Result {
  own: array<f32, ${(M * N) / subgroupSize}>,
}

fn keep_query(at: u32, stride: u32) -> Left {
  let first = own_subgroup * ${QUERY[components] / subgroups}u + kept * ${M * K}u;
  kept++;
  ${eachOwn(M * K)} {
    let i = (at + e / ${K}u * stride) * 4u + e % ${K}u;
    kept_query[first + e] = ${weights}[i / 4u][i % 4u];
  }
  return Left(KEPT, first, ${K}u);
}

fn load_left(place: u32, at: u32, stride: u32) -> Left {
  return Left(place, at * 4u, stride * 4u);
}

fn load_right_row(at: u32, stride: u32) -> Right {
  return Right(at * 4u, stride * 4u, 1u);
}

fn load_right_col(at: u32, stride: u32) -> Right {
  return Right(at * 4u, 1u, stride * 4u);
}

fn left_component(left: Left, row: u32, k: u32) -> f32 {
  let i = left.at + row * left.by_row + k;
  if (left.place == KEPT) {
    return f32(kept_query[i]);
  }
  ${hasTile ? 'if (left.place == IN_TILE) {\n    return f32(q_tile[i / 4u][i % 4u]);\n  }' : ''}
  return f32(${weights}[i / 4u][i % 4u]);
}

fn multiply_matrices(left: Left, right: Right, sum: Result) -> Result {
  var result = sum;
  ${eachOwn(M * N)} {
    var x = result.own[e / ${subgroupSize}u];
    for (var k = 0u; k < ${upTo(K)}; k++) {
      let i = right.at + k * right.by_row + e % ${N}u * right.by_column;
      x += left_component(left, e / ${N}u, k) * f32(kv_tile[i / 4u][i % 4u]);
    }
    result.own[e / ${subgroupSize}u] = x;
  }
  return result;
}

fn load_result(at: u32, stride: u32) -> Result {
  var result = Result();
  ${eachOwn(M * N)} {
    result.own[e / ${subgroupSize}u] = scores[at + e / ${N}u * stride + e % ${N}u / 4u][e % 4u];
  }
  return result;
}

fn store_result(at: u32, matrix: Result, stride: u32) {
  var result = matrix;
  ${eachOwn(M * N)} {
    scores[at + e / ${N}u * stride + e % ${N}u / 4u][e % 4u] = result.own[e / ${subgroupSize}u];
  }
}`;
}

/** Wraps a device, which then claims to have these matrices, and subgroups of their size. */
export function withMatrices(device: GPUDevice, matrices: EmulatedMatrices): GPUDevice {
  const { components, M, N, K, subgroupSize } = matrices;
  return patchedDevice(device, {
    code: (code) => emulateMatrices(code, matrices),
    features: ['chromium-experimental-subgroup-matrix'],
    limits: { maxComputeWorkgroupStorageSize: LIMIT[components] },
    adapterInfo: {
      // The class with loops over matrices: a CPU's compiler never gets through what is written out.
      description: 'llvmpipe',
      subgroupMinSize: subgroupSize,
      subgroupMaxSize: subgroupSize,
      subgroupMatrixConfigs: [{ componentType: components, resultComponentType: 'f32', M, N, K }],
    },
  });
}
