import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import { bytesPerElement, type FloatType, unpackHalf, wgsl } from '@heed/core/kernel';

/**
 * A weight [rows, columns] in parts of whole rows, so that each part fits one binding. Part i begins at the row where part i − 1 ends.
 */
export interface RowParts {
  readonly rows: number;
  /** A multiple of 4: kernels load four columns at a time. */
  readonly columns: number;
  /** f32, f16 or bf16, dense, all of one dtype. */
  readonly parts: readonly Tensor[];
}

/** WebGPU's default limit of a binding. It also bounds the host memory that a part takes while it is loaded. */
export const PART_BYTES: number = 2 ** 27;

/**
 * Returns the rows at which the parts of a weight begin, followed by the number of its rows.
 * @param align rows that stay in one part, such as those of an expert
 * @throws ValidationError `align` rows exceed a part, or columns that are not a multiple of 4
 */
export function partBounds(
  name: string,
  shape: readonly number[],
  dtype: FloatType,
  align = 1,
  partBytes = PART_BYTES,
): number[] {
  const [rows, columns] = shape as [number, number];
  if (columns % 4 !== 0) {
    throw new ValidationError(
      `${name}: rows must have a multiple of 4 columns; got [${rows}, ${columns}]. Pad them with zeros.`,
    );
  }
  const most = Math.floor(partBytes / (align * columns * bytesPerElement[dtype])) * align;
  if (most === 0) {
    throw new ValidationError(
      `${name}: ${align} rows of ${columns} columns must fit ${partBytes} bytes in ${dtype}. Use a smaller dtype.`,
    );
  }
  const bounds = [0];
  for (let end = most; end < rows; end += most) bounds.push(end);
  return [...bounds, rows];
}

/** Makes a weight of tensors that are on the device already. */
export function rowParts(parts: readonly Tensor[]): RowParts {
  const rows = parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
  return { rows, columns: parts[0]!.shape[1]!, parts };
}

/** Calls `run` with each part and its first row. */
export function eachPart({ parts }: RowParts, run: (part: Tensor, first: number) => void): void {
  let first = 0;
  for (const part of parts) {
    run(part, first);
    first += part.shape[0]!;
  }
}

/** The element type of an array whose elements are four numbers of this type. */
export const fourType = (type: FloatType): string => (type === 'f32' ? 'vec4<f32>' : 'vec2<u32>');

/** `<name>_four(at)`: elements 4·at to 4·at + 3 of the array `name`, as f32. Unpacking needs no device feature. */
export function loadFour(name: string, type: FloatType): string {
  if (type === 'f32') {
    return wgsl`
      fn ${name}_four(at: u32) -> vec4<f32> {
        return ${name}[at];
      }
    `;
  }
  return wgsl`
    fn ${name}_four(at: u32) -> vec4<f32> {
      let words = ${name}[at];
      return vec4<f32>(${unpackHalf(type, 'words.x')}, ${unpackHalf(type, 'words.y')});
    }
  `;
}

/**
 * Checks rows of f32 that a kernel loads four columns at a time.
 * @returns where they start, and the stride between rows, in fours
 */
export function fours(
  fn: string,
  name: string,
  gpu: Gpu,
  x: Tensor,
  elementOffset: number,
): [start: number, stride: number] {
  const [stride, step] = x.strides as [number, number];
  const sound = x.gpu === gpu && x.dtype === 'f32' && x.shape.length === 2;
  const dense = step === 1 && stride % 4 === 0 && elementOffset % 4 === 0 && x.shape[1]! % 4 === 0;
  if (sound && dense) return [elementOffset / 4, stride / 4];
  throw new ValidationError(
    `${fn}: ${name} must be f32 rows of dense columns, in which each row starts at a multiple of 4 elements; ` +
      `got ${x.dtype} [${x.shape.join(', ')}], strides [${x.strides.join(', ')}]. Copy it.`,
  );
}
