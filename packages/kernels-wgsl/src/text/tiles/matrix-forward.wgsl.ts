import { sections, wgsl } from '@heed/core/kernel';
import { each, plus } from '../parts/repeat.ts';
import { gridMain, valueDim } from './grid-forward.wgsl.ts';
import type { ForwardConfig } from './kernel-config.ts';
import { matrixArrays, type MatrixTile, PRODUCT, stagedVecs, WEIGHTS } from './matrix-tile.ts';
import { stageKeys, stageRows } from './staging.wgsl.ts';
import { CHUNK, chunkLoop, gridShape, localRow, THREADS_N } from './thread-grid.wgsl.ts';

/**
 * Computes products with subgroup matrices. A thread cannot access the rows of a matrix, so each product goes through
 * workgroup memory: the scores, on which the hooks and the softmax then work, and a tile's contribution to the output, which
 * the threads add to their own rescaled f32 accumulators. This costs as much traffic as the products' operands. Keeping the
 * accumulators in matrices would cost twice as much, to rescale them.
 */
export function matrixMain(config: ForwardConfig, tile: MatrixTile): string {
  const rows = each(tile.rowsPerThread);
  const { headDim, headDimV } = config;
  const own = (r: number, stride: number): string => `${localRow(r)} * ${stride}u + column`;
  const { tileM, tileN } = gridShape(tile);
  const whole = { access: config.read, grid: tile, wholeVecs: stagedVecs(config) };
  const ofKeys = { ...whole, type: config.kvType, rows: tileN };
  return gridMain(config, tile, {
    place: wgsl`
      let column = thread % ${THREADS_N}u;
      let first_row = thread / ${THREADS_N}u * ${tile.rowsPerThread}u;
    `,
    key: (n) => plus('column * 4u', n),
    builtins: [
      { name: 'subgroup', builtin: 'subgroup_id' },
      { name: 'subgroups', builtin: 'num_subgroups' },
    ],
    arrays: arrays(config, tile),
    functions: sections(
      stageRows({ name: 'q', dim: headDim, type: config.qType, rows: tileM, ...whole }),
      stageKeys({ name: 'k', dim: headDim, ...ofKeys }),
      stageKeys({ name: 'v', dim: headDimV, ...ofKeys }),
      keepWeights,
      ...multiply(tile, headDim),
    ),
    start: 'stage_q(work, thread);',
    dots: wgsl`
      workgroupBarrier();
      stage_k(work.seq, head, first_key, thread);
      workgroupBarrier();
      multiply_keys(subgroup, subgroups);
      workgroupBarrier();
      ${rows((r) => `var s${r} = product[${own(r, PRODUCT)}] * q_scale();`)}
    `,
    keepWeights: (r) => `keep_weights(${own(r, WEIGHTS)}, s${r});`,
    sums: wgsl`
      stage_v(work.seq, head, first_key, thread);
      ${chunkLoop(
        tile,
        valueDim(config),
        (c) => wgsl`
          workgroupBarrier();
          multiply_values(${c} * ${THREADS_N}u, subgroup, subgroups);
          workgroupBarrier();
          ${rows((r) => `acc${r}[${c}] = acc${r}[${c}] * factor${r} + product[${own(r, PRODUCT)}] / WEIGHT_SCALE;`)}
        `,
      )}
    `,
  });
}

function arrays(config: ForwardConfig, tile: MatrixTile): string {
  const lengths = matrixArrays(config, tile);
  const { tileM } = gridShape(tile);
  const array = (name: keyof typeof lengths, type: 'f16' | 'f32'): string => {
    const bytes = lengths[name] * (type === 'f16' ? 8 : 16);
    return `var<workgroup> ${name}: array<vec4<${type}>, ${lengths[name]}>; // ${bytes} bytes`;
  };
  return wgsl`
    // Padded rows keep neighbours in different banks; matrices begin at multiples of 16 bytes.
    const STAGED = ${lengths.q_tile / tileM}u;
    ${array('q_tile', 'f16')}
    ${array('kv_tile', 'f16')}
    ${array('weights', 'f16')}
    ${array('rests', 'f16')}
    ${array('product', 'f32')}
  `;
}

// Weights in f16 alone would have a relative error of 2⁻¹², far above all other errors. The bits that f16 holds are found
// without a conversion, because compilers (Mesa's, for one) may remove a conversion to f16 and back.
const keepWeights = wgsl`
  // At most 1; small ones need the range of f16 below that, so a power of two moves them up.
  const WEIGHT_SCALE = 32768.0;

  // Weights in two parts, which together have the precision of f32: what f16 holds of them, and the rest.
  fn keep_weights(at: u32, x: vec4<f32>) {
    let scaled = x * WEIGHT_SCALE;
    let held = bitcast<vec4<f32>>(bitcast<vec4<u32>>(scaled) & vec4<u32>(0xffffe000u));
    weights[at] = vec4<f16>(held);
    rests[at] = vec4<f16>(scaled - held);
  }
`;

/** Returns both products of a tile: `multiply_keys` and `multiply_values`. */
function multiply(tile: MatrixTile, headDim: number): readonly string[] {
  const { unroll, K } = tile;
  const keys = multiplyWgsl(tile, {
    name: 'keys',
    what: 'product = q · k of the tile.',
    parameter: '',
    size: unroll ? `${Math.ceil(headDim / K) * K}u` : 'params.q_vecs * 4u',
    left: [{ array: 'q_tile', stride: 'STAGED' }],
    right: { first: 'column * STAGED + inner / 4u', order: 'col_major' },
  });
  const values = multiplyWgsl(tile, {
    name: 'values',
    what: `product = weights · ${CHUNK} columns of v, from vector \`first\` on.`,
    parameter: 'first: u32, ',
    size: unroll ? `${CHUNK}u` : 'params.chunk_vecs * 4u',
    left: ['weights', 'rests'].map((array) => ({ array, stride: `${WEIGHTS}u` })),
    right: { first: 'inner * STAGED + first + column / 4u', order: 'row_major' },
  });
  return [keys, values];
}

interface Product {
  readonly name: string;
  readonly what: string;
  readonly parameter: string;
  /** Size of the inner dimension. */
  readonly size: string;
  /** Arrays whose sum is the left operand. */
  readonly left: readonly { readonly array: string; readonly stride: string }[];
  /** Offset of a matrix in kv_tile, and whether it is transposed. */
  readonly right: { readonly first: string; readonly order: 'row_major' | 'col_major' };
}

// The loop over a subgroup's matrices is uniform for its lanes, as matrix operations require.
function multiplyWgsl(
  tile: MatrixTile,
  { name, what, parameter, size, left, right }: Product,
): string {
  const { M, N, K } = tile;
  const across = CHUNK / N;
  const matrices = (gridShape(tile).tileM / M) * across;
  return wgsl`
    // ${what}
    fn multiply_${name}(${parameter}subgroup: u32, subgroups: u32) {
      for (var matrix = subgroup; matrix < ${matrices}u; matrix += subgroups) {
        let row = matrix / ${across}u * ${M}u;
        let column = matrix % ${across}u * ${N}u;
        var sum = subgroup_matrix_result<f32, ${N}, ${M}>();
        for (var inner = 0u; inner < ${size}; inner += ${K}u) {
          let right = subgroupMatrixLoad<subgroup_matrix_right<f16, ${N}, ${K}>, ${right.order}>(&kv_tile, ${right.first}, STAGED);
          ${left.map(
            ({ array, stride }) => wgsl`
              let ${array}_left = subgroupMatrixLoad<subgroup_matrix_left<f16, ${K}, ${M}>, row_major>(&${array}, row * ${stride} + inner / 4u, ${stride});
              sum = subgroupMatrixMultiplyAccumulate(${array}_left, right, sum);
            `,
          )}
        }
        subgroupMatrixStore<row_major>(&product, row * ${PRODUCT}u + column / 4u, sum, ${PRODUCT}u);
      }
    }
  `;
}
