/** A tensor of a file. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What a safetensors file holds: tensors by name, and text by name. */
export interface Safetensors {
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

export type StoredDType = 'F32' | 'F16';

/** A tensor in the header: where it lies in the data. */
export interface Entry {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [begin: number, end: number];
}

/** Of the header's length, at the start of the file. */
export const LENGTH_BYTES = 8;

export const bytesOf = { F32: 4, F16: 2 } as const;
