import { wgsl } from '@heed/core/kernel';
import { CHUNK, gridShape } from '../grid/config.ts';
import { type MatrixTile, PRODUCT, WEIGHTS } from './config.ts';

/** Both products of a tile: `multiply_keys` and `multiply_values`. */
export function multiply(tile: MatrixTile, headDim: number): readonly string[] {
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
  /** Of the inner dimension. */
  readonly size: string;
  /** Arrays whose sum is the left side. */
  readonly left: readonly { readonly array: string; readonly stride: string }[];
  /** Where a matrix of kv_tile begins, and whether it is transposed. */
  readonly right: { readonly first: string; readonly order: 'row_major' | 'col_major' };
}

// The loop over a subgroup's matrices is uniform for its lanes, which is all that matrix operations ask.
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
