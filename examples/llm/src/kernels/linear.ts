import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import {
  bindTensor,
  dispatch,
  dispatchGrid,
  type FloatType,
  floatTypes,
  getKernel,
  type KernelSource,
  memoized,
  sections,
  wgsl,
} from '@heed/core/kernel';
import { eachPart, fours, fourType, loadFour, type RowParts } from './row-parts.ts';

/**
 * Columns of a block. A result has one order of additions in both kernels and on every device: within a block four sums, one for
 * each column mod 4, by ascending column; then (s0 + s1) + (s2 + s3); then the blocks in ascending order.
 */
const BLOCK = 128;

/** Fours of columns in a block. */
const STEPS = BLOCK / 4;

/** Threads of a workgroup of both kernels. */
const THREADS = 64;

/** The `lines` kernel computes this many rows of x or fewer; it reads the weight once per row of x. */
const FEW = 4;

/** The `tiles` kernel computes TILE × TILE results in a workgroup, as 8 × 8 threads of SIDE × SIDE results. */
const TILE = 32;
const SIDE = TILE / 8;

/** Fours of columns that the `tiles` kernel stages at a time. Its rows are one longer, so that they start in different banks. */
const STAGED = 8;
const PITCH = STAGED + 1;

type Tiling = 'lines' | 'tiles';

interface Config {
  readonly tiling: Tiling;
  readonly type: FloatType;
  /** Whether each row of x has a matrix of its own among several. */
  readonly experts: boolean;
}

/**
 * Returns x·Wᵀ. The bits of a row depend on that row and the weight alone: not on T, the row's place, or the parts of the weight.
 * @param x f32 [T, in], any stride between rows that is a multiple of 4
 * @param weight [out, in] f32, f16 or bf16
 * @returns f32 [T, out]
 * @throws ValidationError x has another number of columns than the weight, or another layout
 */
export function linear(gpu: Gpu, x: Tensor, weight: RowParts): Tensor {
  const out = gpu.empty([x.shape[0]!, weight.rows], { label: 'heed/llm/linear' });
  const [tokens] = x.shape as [number];
  if (checkColumns('linear', x, weight) === 0) return out;
  const tiling: Tiling = tokens <= FEW ? 'lines' : 'tiles';
  eachPart(weight, (part, first) => {
    const [rows] = part.shape as [number];
    launch(
      gpu,
      { tiling, type: part.dtype as FloatType, experts: false },
      { x, part, out, first, rows },
    );
  });
  return out;
}

/** A matrix per expert. */
export interface ExpertLists {
  /** Number of experts; each has as many rows of the weight. */
  readonly count: number;
  /** u32 [T, k], dense: the experts of each token. */
  readonly chosen: Tensor;
}

/**
 * Returns row · Wᵀ with the matrix of its expert, for each of the T · k pairs of a token and an expert. Bits are those of
 * {@link linear} with that matrix; each row reads its matrix, so this is for few rows.
 * @param x f32 [T, in], a row for all experts of a token; or [T · k, in], a row per pair
 * @param weight [count · out, in], the matrices of the experts one below the other; a part has whole matrices
 * @returns f32 [T · k, out]
 */
export function expertLinear(
  gpu: Gpu,
  x: Tensor,
  weight: RowParts,
  { count, chosen }: ExpertLists,
): Tensor {
  const pairs = chosen.shape[0]! * chosen.shape[1]!;
  const rows = weight.rows / count;
  const out = gpu.empty([pairs, rows], { label: 'heed/llm/expert linear' });
  if (checkColumns('expertLinear', x, weight) === 0) return out;
  eachPart(weight, (part, first) => {
    const config = { tiling: 'lines', type: part.dtype as FloatType, experts: true } as const;
    launch(gpu, config, { x, part, out, first, rows, chosen });
  });
  return out;
}

/** Checks that x fits a weight; returns the number of its rows. */
function checkColumns(fn: string, x: Tensor, weight: RowParts): number {
  if (x.shape[1] === weight.columns) return x.shape[0]!;
  throw new ValidationError(
    `${fn}: x must have the weight's ${weight.columns} columns; got [${x.shape.join(', ')}]. Transpose one of them.`,
  );
}

interface Operands {
  readonly x: Tensor;
  readonly part: Tensor;
  readonly out: Tensor;
  /** The first row of the part. */
  readonly first: number;
  /** Rows of the part, or of an expert. */
  readonly rows: number;
  readonly chosen?: Tensor;
}

function launch(gpu: Gpu, config: Config, { x, part, out, first, rows, chosen }: Operands): void {
  const [tokens, outRow] = out.shape as [number, number];
  const columns = x.shape[1]!;
  const [from, result] = [bindTensor(x, 16), bindTensor(out)];
  const [start, stride] = fours('linear', 'x', gpu, x, from.elementOffset);
  const blocks = Math.ceil(columns / BLOCK);
  const lanes = Math.min(THREADS, 2 ** Math.ceil(Math.log2(blocks)));
  const tiles = Math.ceil(tokens / TILE) * Math.ceil(rows / TILE);
  const lines = tokens * Math.ceil((rows * lanes) / THREADS);
  const params = [start, stride, 0, outRow, tokens, rows, columns / 4, lanes];
  if (!chosen) params[2] = result.elementOffset + first;
  // The experts of the part, and the rows of the result per row of x.
  else params.push(first / rows, part.shape[0]! / rows, tokens / x.shape[0]!, 0);
  dispatch(gpu, {
    kernel: getKernel(gpu, linearSource(config)),
    buffers: [
      from.range,
      bindTensor(part, 16).range,
      ...(chosen ? [bindTensor(chosen).range] : []),
      result.range,
    ],
    params: Uint32Array.from(params),
    workgroups: dispatchGrid(gpu, config.tiling === 'lines' ? lines : tiles),
  });
}

const linearSource: (config: Config) => KernelSource = memoized(
  ({ tiling, type, experts }) => `${tiling} ${type} ${experts}`,
  make,
);

/** Returns the sources of all kernels of this file. */
export const linearSources = (): KernelSource[] =>
  floatTypes.flatMap((type) => [
    linearSource({ tiling: 'lines', type, experts: false }),
    linearSource({ tiling: 'lines', type, experts: true }),
    linearSource({ tiling: 'tiles', type, experts: false }),
  ]);

function make({ tiling, type, experts }: Config): KernelSource {
  const label = `heed/llm/linear ${tiling} ${type}${experts ? ' experts' : ''}`;
  const out = experts ? 3 : 2;
  const code = sections(
    `// ${label}`,
    wgsl`
      struct Params {
        // In fours of elements.
        x_start: u32,
        x_row: u32,
        // In elements; the part's first row is added.
        out_start: u32,
        out_row: u32,
        tokens: u32,
        rows: u32,
        fours: u32,
        // Threads that share a row of the weight.
        lanes: u32,
        ${experts && expertParams}
      }

      @group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
      @group(0) @binding(1) var<storage, read> weight: array<${fourType(type)}>;
      ${experts && '@group(0) @binding(2) var<storage, read> chosen: array<u32>;'}
      @group(0) @binding(${out}) var<storage, read_write> out: array<f32>;
      @group(0) @binding(${out + 1}) var<uniform> params: Params;
    `,
    loadFour('weight', type),
    wgsl`
      // The sum of a block.
      fn added(sum: vec4<f32>) -> f32 {
        return (sum.x + sum.y) + (sum.z + sum.w);
      }

      fn store(token: u32, row: u32, value: f32) {
        if (token < params.tokens && row < params.rows) {
          out[params.out_start + token * params.out_row + row] = value;
        }
      }
    `,
    tiling === 'lines' ? lines(experts) : tiles,
  );
  const chosen = experts ? (['read'] as const) : [];
  return { label, bindings: ['read', 'read', ...chosen, 'write', 'uniform'], code: `${code}\n` };
}

const expertParams = wgsl`
  // The first expert of this part, and the number of its experts.
  first_expert: u32,
  experts: u32,
  // Rows of the result per row of x.
  share: u32,
  unused: u32,
`;

/** A row of the weight per `lanes` threads. A thread sums every `lanes`-th block; the first adds the blocks in order. */
const lines = (experts: boolean): string => wgsl`
  var<workgroup> sums: array<f32, ${THREADS}>;

  @compute @workgroup_size(${THREADS})
  fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
  ) {
    let group = workgroup.x + workgroup.y * workgroups.x;
    let token = group % params.tokens;
    let row = (group / params.tokens * ${THREADS}u + thread) / params.lanes;
    let lane = thread % params.lanes;
    ${experts && ['// An expert before this part wraps to a large number.', 'let expert = chosen[token] - params.first_expert;', 'let is_here = row < params.rows && expert < params.experts;']}
    var total = 0.0;
    for (var first = 0u; first * ${STEPS}u < params.fours; first += params.lanes) {
      var sum = vec4<f32>();
      if (${experts ? 'is_here' : 'row < params.rows'}) {
        let end = min((first + lane + 1u) * ${STEPS}u, params.fours);
        let x_row = params.x_start + ${experts ? 'token / params.share' : 'token'} * params.x_row;
        let weight_row = ${experts ? '(expert * params.rows + row)' : 'row'} * params.fours;
        for (var four = (first + lane) * ${STEPS}u; four < end; four++) {
          sum = fma(x[x_row + four], weight_four(weight_row + four), sum);
        }
      }
      sums[thread] = added(sum);
      workgroupBarrier();
      if (lane == 0u) {
        for (var i = 0u; i < params.lanes; i++) {
          total += sums[thread + i];
        }
      }
      workgroupBarrier();
    }
    if (lane == 0u${experts ? ' && is_here' : ''}) {
      store(token, row, total);
    }
  }
`;

const sides = Array.from({ length: SIDE }, (_, i) => i);
const pairs = sides.flatMap((i) => sides.map((j) => [i, j] as const));

/** The number of a thread's i-th row in a tile. */
const nth = (name: string, i: number): string => (i === 0 ? name : `${name} + ${8 * i}u`);

/** A tile of results per workgroup. Rows and tokens beyond the end are staged as zeros. */
const tiles = wgsl`
  // ${TILE} rows of ${PITCH} fours each: ${TILE * PITCH * 16} bytes.
  var<workgroup> x_tile: array<vec4<f32>, ${TILE * PITCH}>;
  var<workgroup> weight_tile: array<vec4<f32>, ${TILE * PITCH}>;

  @compute @workgroup_size(${THREADS})
  fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
  ) {
    let group = workgroup.x + workgroup.y * workgroups.x;
    let token_tiles = (params.tokens + ${TILE - 1}u) / ${TILE}u;
    let first_token = group % token_tiles * ${TILE}u;
    let first_row = group / token_tiles * ${TILE}u;
    let x_line = thread / 8u;
    let weight_line = thread % 8u;
    ${pairs.map(([i, j]) => `var total${i}_${j} = 0.0;`)}
    for (var block = 0u; block < params.fours; block += ${STEPS}u) {
      ${pairs.map(([i, j]) => `var sum${i}_${j} = vec4<f32>();`)}
      let end = min(block + ${STEPS}u, params.fours);
      for (var step = block; step < end; step += ${STAGED}u) {
        workgroupBarrier();
        for (var i = thread; i < ${TILE * STAGED}u; i += ${THREADS}u) {
          let line = i / ${STAGED}u;
          let four = step + i % ${STAGED}u;
          let at = line * ${PITCH}u + i % ${STAGED}u;
          var x_value = vec4<f32>();
          if (first_token + line < params.tokens && four < end) {
            x_value = x[params.x_start + (first_token + line) * params.x_row + four];
          }
          x_tile[at] = x_value;
          var weight_value = vec4<f32>();
          if (first_row + line < params.rows && four < end) {
            weight_value = weight_four((first_row + line) * params.fours + four);
          }
          weight_tile[at] = weight_value;
        }
        workgroupBarrier();
        for (var four = 0u; four < ${STAGED}u; four++) {
          ${sides.map((i) => `let x${i} = x_tile[(${nth('x_line', i)}) * ${PITCH}u + four];`)}
          ${sides.map((j) => `let weight${j} = weight_tile[(${nth('weight_line', j)}) * ${PITCH}u + four];`)}
          ${pairs.map(([i, j]) => `sum${i}_${j} = fma(x${i}, weight${j}, sum${i}_${j});`)}
        }
      }
      ${pairs.map(([i, j]) => `total${i}_${j} += added(sum${i}_${j});`)}
    }
    let token = first_token + x_line;
    let row = first_row + weight_line;
    ${pairs.map(([i, j]) => `store(${nth('token', i)}, ${nth('row', j)}, total${i}_${j});`)}
  }
`;
