/** (M×K)·(K×N) of f16 into f32. */
export interface Shape {
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

// What is passed in a call: no argument that the kernels give has brackets or commas.
const ARGUMENT = '[^,()]+';
const RESULT = 'subgroup_matrix_result<f32, (\\d+), (\\d+)>\\(\\)';
const LEFT = `subgroupMatrixLoad<subgroup_matrix_left<f16, \\d+, \\d+>, row_major>\\(&(\\w+), (${ARGUMENT}), (${ARGUMENT})\\)`;
const RIGHT = `subgroupMatrixLoad<subgroup_matrix_right<f16, \\d+, (\\d+)>, (row|col)_major>\\(&kv_tile, (${ARGUMENT}), (${ARGUMENT})\\)`;
const MULTIPLY = 'subgroupMatrixMultiplyAccumulate\\((\\w+)_left, ';

/**
 * A shader in which plain loops stand for subgroup-matrix operations, each lane having its share of a product's elements: shapes
 * that no adapter at hand has can be tried. Every operation has to be one that is known here, so that none is left out.
 */
export function emulateMatrices(code: string): string {
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

// The bound of the inner loop is no constant: CPU adapters would unroll it.
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

// Subgroups have four lanes at least.
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
