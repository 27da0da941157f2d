import { runConformance } from '@heed/conformance';
import { openGpu } from '@heed/core';
import { planAttention } from '@heed/kernels-wgsl';
import { isFullRun, testGpu } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { patchedDevice } from './faults.test.ts';

/** The shape of a product (M×K)·(K×N) of f16 matrices into f32. */
interface Shape {
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

// An argument of a call: no argument in the kernels has brackets or commas.
const ARGUMENT = '[^,()]+';
const RESULT = 'subgroup_matrix_result<f32, (\\d+), (\\d+)>\\(\\)';
const LEFT = `subgroupMatrixLoad<subgroup_matrix_left<f16, \\d+, \\d+>, row_major>\\(&(\\w+), (${ARGUMENT}), (${ARGUMENT})\\)`;
const RIGHT = `subgroupMatrixLoad<subgroup_matrix_right<f16, \\d+, (\\d+)>, (row|col)_major>\\(&kv_tile, (${ARGUMENT}), (${ARGUMENT})\\)`;
const MULTIPLY = 'subgroupMatrixMultiplyAccumulate\\((\\w+)_left, ';

/**
 * Replaces subgroup-matrix operations in a shader by plain loops, in which each lane computes its share of a product. This tests
 * shapes that no available adapter has. An unknown operation is an error, so that none is left out.
 */
function emulateMatrices(code: string): string {
  if (!code.includes('enable chromium_experimental_subgroup_matrix;')) return code;
  const all = (pattern: string): RegExpExecArray[] => [...code.matchAll(new RegExp(pattern, 'g'))];
  const [N, M] = all(RESULT)[0]!.slice(1).map(Number) as [number, number];
  const shape = { M, N, K: Number(all(RIGHT)[0]![1]) };
  const body = code
    .replace('enable chromium_experimental_subgroup_matrix;\n', '')
    .replace(
      'num_subgroups) subgroups: u32,',
      'num_subgroups) subgroups: u32, @builtin(subgroup_invocation_id) own_lane: u32, @builtin(subgroup_size) all_lanes: u32,',
    )
    .replace('  let unit =', '  lane = own_lane;\n  lanes = all_lanes;\n  let unit =')
    .replaceAll(new RegExp(RESULT, 'g'), 'Product()')
    .replaceAll(new RegExp(LEFT, 'g'), 'vec2<u32>($2, $3)')
    .replaceAll(new RegExp(RIGHT, 'g'), (_, _k, order: string, at: string, stride: string) =>
      order === 'row' ? `Right(${at}, ${stride} * 4u, 1u)` : `Right(${at}, 1u, ${stride} * 4u)`,
    )
    .replaceAll(new RegExp(MULTIPLY, 'g'), 'multiply_$1($1_left, ')
    .replaceAll('subgroupMatrixStore<row_major>(&product, ', 'store_product(');
  if (/subgroup_?[mM]atrix/.test(body)) throw new Error('a matrix operation is not emulated');
  const lefts = new Set(all(LEFT).map((match) => match[1]!));
  const multiplies = [...lefts].map((left) => multiply(left, shape));
  return [body, declarations(shape), ...multiplies].join('\n');
}

// The limit of the inner loop is not constant: CPU adapters would unroll the loop.
const multiply = (left: string, { M, N, K }: Shape): string => `
fn multiply_${left}(a: vec2<u32>, b: Right, sum: Product) -> Product {
  var result = sum;
  for (var e = lane; e < ${M * N}u; e += lanes) {
    var x = result.own[e / lanes];
    for (var i = 0u; i < params.chunk_vecs * ${K / 8}u; i++) {
      let at = i * b.by_row + e % ${N}u * b.by_column;
      x += f32(${left}[a.x + e / ${N}u * a.y + i / 4u][i % 4u]) * f32(kv_tile[b.at + at / 4u][at % 4u]);
    }
    result.own[e / lanes] = x;
  }
  return result;
}`;

// Subgroups have at least four lanes.
const declarations = ({ M, N }: Shape): string => `
var<private> lane: u32;
var<private> lanes: u32;

struct Product {
  own: array<f32, ${(M * N) / 4}>,
}

struct Right {
  at: u32,
  by_row: u32,
  by_column: u32,
}

fn store_product(at: u32, sum: Product, stride: u32) {
  var result = sum;
  for (var e = lane; e < ${M * N}u; e += lanes) {
    let i = e / ${N}u * stride * 4u + e % ${N}u;
    product[at + i / 4u][i % 4u] = result.own[e / lanes];
  }
}`;

/** Shapes of real GPUs. The tier subgroup-matrix tests 8 × 8 × 8, the shape of lavapipe. */
const shapes: readonly Shape[] = [
  { M: 8, N: 16, K: 16 },
  { M: 16, N: 16, K: 16 },
];

// Both use one kernel, which takes seconds to compile.
const quick = ['lengths/cross-113x203/f16', 'dtypes/f16-rounds-to-nearest/f16'] as const;
const more = [
  'seqused/lens-127-63-33-17/poison-nan/f16',
  'gqa/paged-few-rows/heads-8x2/f16',
  'splits/sinks/f16',
  'head-dims/*/f16',
];
const tried = isFullRun() ? [...quick, ...more] : quick;

const problem = { layout: 'dense', dtype: 'f16', q: [1, 1, 8, 64], k: [1, 1, 8, 64] } as const;

/** Runs cases on a device with emulated matrices of a shape. Returns its plan, the number of cases run, and the cases that failed. */
async function run(
  device: GPUDevice,
  shape: Shape,
  filter: readonly string[],
  fault = (code: string): string => code,
): Promise<{ readonly plan: string; readonly ran: number; readonly failed: readonly string[] }> {
  const emulated = patchedDevice(device, (code) => emulateMatrices(fault(code)), [
    'chromium-experimental-subgroup-matrix',
  ]);
  const config = { componentType: 'f16', resultComponentType: 'f32', ...shape };
  const adapter = { info: { subgroupMatrixConfigs: [config] } } as unknown as GPUAdapter;
  const tuning = { version: 1, force: { path: 'matrix' } } as const;
  using gpu = await openGpu({ device: emulated, adapter, tuning });
  using plan = planAttention(gpu, problem);
  const { cases } = await runConformance(gpu, { filter });
  const failed = cases.filter(({ status }) => status !== 'pass');
  return {
    plan: plan.describe(),
    ran: cases.length,
    failed: failed.map(({ id, report }) => `${id}: ${report}`),
  };
}

describe('the matrix path, its operations emulated,', () => {
  it.for(isFullRun() ? shapes : shapes.slice(0, 1))(
    'is right with matrices of $M × $N × $K',
    async (shape, { skip }) => {
      const { device, capabilities } = await testGpu();
      skip(!capabilities.f16 || !capabilities.subgroups, 'it needs f16 and subgroups');
      const { plan, ran, failed } = await run(device, shape, tried);
      expect(plan).toContain(`path=matrix M=${shape.M} N=${shape.N} K=${shape.K}`);
      expect(failed).toEqual([]);
      expect(ran).toBeGreaterThanOrEqual(tried.length);
    },
  );

  it.for([
    ['lose what f16 does not hold of a weight', 'scaled - held', 'held - held', quick[1]],
    ['mix up its rows', 'let row = matrix / ', 'let row = (matrix + 1u) / ', quick[0]],
  ] as const)(
    'would be caught if it were to %s',
    { tags: ['full'] },
    async ([, find, replace, id], { skip }) => {
      const { device, capabilities } = await testGpu();
      skip(!capabilities.f16 || !capabilities.subgroups, 'it needs f16 and subgroups');
      const fault = (code: string): string => code.replaceAll(find, replace);
      const { failed } = await run(device, shapes[1]!, [id], fault);
      expect(failed).toEqual([expect.stringMatching(/elements off/)]);
    },
  );
});
