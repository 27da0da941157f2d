import { packHalves, unpackHalves } from '@heed/core/kernel';

/** A tensor read from a file. */
interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The contents of a safetensors file: tensors and metadata by name. */
interface Safetensors {
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

export type StoredDType = 'F32' | 'F16' | 'BF16';

/** A tensor's entry in the header. */
interface Entry {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [begin: number, end: number];
}

/** Size of the field at the start of the file that gives the header's length. */
const LENGTH_BYTES = 8;

const bytesOf = { F32: 4, F16: 2, BF16: 2 } as const;

/** heed's names of the 16-bit types. */
const halves = { F16: 'f16', BF16: 'bf16' } as const;

const isStored = (dtype: unknown): dtype is StoredDType =>
  typeof dtype === 'string' && Object.hasOwn(bytesOf, dtype);

/**
 * Reads a safetensors file of F32, F16 and BF16 tensors.
 * @throws Error if the file is malformed, truncated, or holds another dtype, saying where
 */
export function readSafetensors(file: Uint8Array): Safetensors {
  const [header, data] = headerOf(file);
  const { __metadata__: metadata = {}, ...entries } = header;
  const texts = checkMetadata(metadata);
  const listed = Object.entries(entries).map(([name, e]) => [name, checkEntry(name, e)] as const);
  // The format allows neither gaps nor overlaps.
  let end = 0;
  for (const [name, { data_offsets }] of listed.toSorted((a, b) => order(a[1], b[1]))) {
    if (data_offsets[0] !== end) refuse(`"${name}" must begin at byte ${end}`, data_offsets[0]);
    end = data_offsets[1];
  }
  if (end !== data.length) refuse(`the data must have ${end} bytes`, data.length);
  const tensors = listed.map(([name, entry]) => [name, tensorOf(entry, data)] as const);
  return { tensors: Object.fromEntries(tensors), metadata: texts };
}

const order = (a: Entry, b: Entry): number =>
  a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1];

function refuse(rule: string, got: unknown): never {
  throw new Error(`not a safetensors file: ${rule}; got ${String(got)}`);
}

function headerOf(file: Uint8Array): [Record<string, unknown>, Uint8Array] {
  if (file.length < LENGTH_BYTES) refuse('it must have 8 bytes or more', file.length);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = view.getBigUint64(0, true);
  const rest = file.length - LENGTH_BYTES;
  if (length > rest) refuse(`its header must end within the file, in ${rest} bytes`, length);
  const data = LENGTH_BYTES + Number(length);
  let header: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true });
    header = JSON.parse(text.decode(file.subarray(LENGTH_BYTES, data)));
  } catch (error) {
    refuse('its header must be JSON', error instanceof Error ? error.message : error);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    refuse('its header must be an object', JSON.stringify(header));
  }
  return [header as Record<string, unknown>, file.subarray(data)];
}

function checkMetadata(metadata: unknown): Record<string, string> {
  const isText =
    typeof metadata === 'object' &&
    metadata !== null &&
    Object.values(metadata).every((value) => typeof value === 'string');
  if (!isText) refuse('__metadata__ must be an object of strings', JSON.stringify(metadata));
  return metadata as Record<string, string>;
}

const isCount = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0;

function checkEntry(name: string, given: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = (given ?? {}) as Partial<Entry>;
  if (!isStored(dtype)) refuse(`"${name}" must be F32, F16 or BF16`, dtype);
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    refuse(`"${name}" must have a shape of whole numbers`, JSON.stringify(shape));
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    refuse(`"${name}" must have two data_offsets`, JSON.stringify(offsets));
  }
  const bytes = shape.reduce((a, b) => a * b, 1) * bytesOf[dtype];
  const [begin, end] = offsets;
  if (end - begin !== bytes) {
    refuse(`"${name}" [${shape.join(', ')}] must have ${bytes} bytes`, end - begin);
  }
  return { dtype, shape, data_offsets: [begin, end] };
}

function tensorOf({ dtype, shape, data_offsets }: Entry, data: Uint8Array): StoredTensor {
  // A copy is aligned, unlike the bytes of the file. slice() of a Node Buffer would not copy.
  const { buffer } = new Uint8Array(data.subarray(...data_offsets));
  return {
    shape,
    data:
      dtype === 'F32'
        ? new Float32Array(buffer)
        : unpackHalves(new Uint16Array(buffer), halves[dtype]),
  };
}

/**
 * Writes a safetensors file (github.com/huggingface/safetensors): the header's length as 8 little-endian bytes, the header as JSON,
 * the data. F16 and BF16 round to nearest even.
 */
export function writeSafetensors(
  { tensors, metadata }: Safetensors,
  dtype: StoredDType,
): Uint8Array<ArrayBuffer> {
  const header: Record<string, Entry | Record<string, string>> = { __metadata__: { ...metadata } };
  let end = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const begin = end;
    end += data.length * bytesOf[dtype];
    header[name] = { dtype, shape, data_offsets: [begin, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  // Spaces after the header align the data to 8 bytes, as the format requires.
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(LENGTH_BYTES + headerBytes + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  file.set(json, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerBytes;
  for (const { data } of Object.values(tensors)) {
    const values = dtype === 'F32' ? data : packHalves(data, halves[dtype]);
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return file;
}
