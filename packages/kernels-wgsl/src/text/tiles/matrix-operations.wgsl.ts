import type { MatrixTile } from './matrix-geometry.ts';

/** The three operands: left (M×K) · right (K×N), and result (M×N). */
export type MatrixKind = 'left' | 'right' | 'result';

/** A matrix in a workgroup array of vectors: where it begins, and the stride of its rows, in vectors. */
export interface StoredMatrix {
  readonly array: string;
  readonly at: string;
  readonly stride: string;
  /** The columns of the matrix are the rows of the array. */
  readonly isTransposed?: boolean;
}

/** Returns the type of a matrix. */
export function matrixType({ M, N, K, components }: MatrixTile, kind: MatrixKind): string {
  const [columns, rows] = { left: [K, M], right: [N, K], result: [N, M] }[kind];
  return `subgroup_matrix_${kind}<${kind === 'result' ? 'f32' : components}, ${columns}, ${rows}>`;
}

/** Returns an expression that loads a matrix. */
export function loadMatrix(
  tile: MatrixTile,
  kind: MatrixKind,
  { array, at, stride, isTransposed = false }: StoredMatrix,
): string {
  const order = isTransposed ? 'col_major' : 'row_major';
  return `subgroupMatrixLoad<${matrixType(tile, kind)}, ${order}>(&${array}, ${at}, ${stride})`;
}

/** Returns a statement that stores a result. */
export function storeMatrix(matrix: string, { array, at, stride }: StoredMatrix): string {
  return `subgroupMatrixStore<row_major>(&${array}, ${at}, ${matrix}, ${stride});`;
}

/** Returns a statement that adds left · right to a result. */
export function multiplyAdd(left: string, right: string, result: string): string {
  return `${result} = subgroupMatrixMultiplyAccumulate(${left}, ${right}, ${result});`;
}

/** Returns a statement that multiplies a result by a number. */
export function multiplyBy(result: string, factor: string): string {
  return `${result} = subgroupMatrixScalarMultiply(${result}, ${factor});`;
}

/** Returns the text of a product with a number; a literal index becomes a literal. */
export function times(index: string, by: number): string {
  if (/^\d+u$/.test(index)) return `${Number.parseInt(index, 10) * by}u`;
  return by === 1 ? index : `${index} * ${by}u`;
}

/** Returns the text of a sum; literals are added up. */
export function sumOf(...terms: readonly string[]): string {
  const literals = terms.filter((term) => /^\d+u$/.test(term));
  const total = literals.reduce((sum, term) => sum + Number.parseInt(term, 10), 0);
  const others = terms.filter((term) => !literals.includes(term));
  return [...others, ...(total > 0 || others.length === 0 ? [`${total}u`] : [])].join(' + ');
}

/** Returns the text of the offset of a row. */
export function rowAt(row: string, stride: string): string {
  if (row === '0u') return row;
  return `${row.includes(' + ') ? `(${row})` : row} * ${stride}`;
}
