/** One 4-byte member of the uniform block. */
export interface ParamField {
  readonly name: string;
  readonly type: 'u32' | 'i32' | 'f32';
}

/** Values by field name. There are no booleans; the offset of an absent table is `NONE`. */
export type ParamValues = Readonly<Record<string, number>>;

/** The offset of a table that was not given. */
export const NONE = 0xffffffff;

/** The WGSL constant of `NONE`. */
export const none: string = 'const NONE = 0xffffffffu;';

/** Returns fields of one type, in order. */
export function u32Fields(...names: string[]): ParamField[] {
  return names.map((name) => ({ name, type: 'u32' }));
}

/** Returns one field `<tensor>_<axis>` per axis: the offset and strides of a tensor in its binding, in elements. */
export function strideFields(tensor: string, ...axes: string[]): ParamField[] {
  return u32Fields(...axes.map((axis) => `${tensor}_${axis}`));
}

/** Returns the WGSL declaration of the block. */
export function paramsStruct(fields: readonly ParamField[]): string {
  return ['struct Params {', ...fields.map((f) => `  ${f.name}: ${f.type},`), '}'].join('\n');
}

/** Returns the size of a packed block, in bytes. */
export function paramBytes(fields: readonly ParamField[]): number {
  return 16 * Math.ceil(fields.length / 4);
}

/** Size limit of a block, in bytes. */
const MAX_PARAM_BYTES = 4096;

const words = new Uint32Array(MAX_PARAM_BYTES / 4);
const floats = new Float32Array(words.buffer);

/**
 * Packs a block, padded with zeros to a multiple of 16 bytes. The result is valid until the next call, which writes to the
 * same memory: allocating an array per launch would cost more than the rest of the packing.
 * @param values one per field, in their order
 */
export function packValues(fields: readonly ParamField[], values: readonly number[]): Uint32Array {
  for (let i = 0; i < fields.length; i++) {
    if (fields[i]!.type === 'f32') floats[i] = values[i]!;
    else words[i] = values[i]!; // as two's complement
  }
  const end = paramBytes(fields) / 4;
  words.fill(0, fields.length, end);
  return words.subarray(0, end);
}

/**
 * Packs a block from values by name, as `packValues` does.
 * @throws Error if a field has no value: a bug in heed, not in the caller
 */
export function packParams(fields: readonly ParamField[], values: ParamValues): Uint32Array {
  const valueOf = ({ name }: ParamField): number => {
    const value = values[name];
    if (value === undefined) throw new Error(`packParams: no value for ${name}`);
    return value;
  };
  return packValues(fields, fields.map(valueOf));
}
