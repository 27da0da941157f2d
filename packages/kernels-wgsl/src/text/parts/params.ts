/** One 4-byte member of the uniform block. */
export interface ParamField {
  readonly name: string;
  readonly type: 'u32' | 'i32' | 'f32';
}

/** Values by field name; booleans do not occur, an absent table is 2³² − 1. */
export type ParamValues = Readonly<Record<string, number>>;

/** An offset that says: this table was not given. */
export const NONE = 0xffffffff;

/** WGSL's name for an offset that says: this table was not given. */
export const none: string = 'const NONE = 0xffffffffu;';

/** Fields of one type, in order. */
export function u32Fields(...names: string[]): ParamField[] {
  return names.map((name) => ({ name, type: 'u32' }));
}

/** What every forward kernel is told. Offsets and strides are in elements of the tensor, or words of `metadata`. */
export const forwardParams: readonly ParamField[] = [
  ...u32Fields('units', 'tiles', 'splits'),
  ...u32Fields('batch', 'group', 'seqlen_q', 'seqlen_k'),
  // [batch, head, row, dim] of each tensor; for paged keys `batch` is the stride of a page.
  ...u32Fields('q_offset', 'q_batch', 'q_head', 'q_row', 'q_dim'),
  ...u32Fields('k_offset', 'k_batch', 'k_head', 'k_row', 'k_dim'),
  ...u32Fields('v_offset', 'v_batch', 'v_head', 'v_row', 'v_dim'),
  ...u32Fields('out_offset', 'out_batch', 'out_head', 'out_row', 'out_dim', 'out_split'),
  ...u32Fields('lse_offset', 'lse_batch', 'lse_head', 'lse_row', 'lse_split'),
  ...u32Fields('cu_q', 'cu_k', 'used_k', 'table', 'table_row', 'pages', 'page_size'),
  ...u32Fields('align_end', 'write_lse', 'state_plane', 'sinks', 'sinks_head'),
  // Loop bounds that a compiler must not know; see repeat.ts.
  ...u32Fields('q_vecs', 'v_vecs', 'chunk_vecs', 'v_chunks', 'key_turns'),
  { name: 'scale', type: 'f32' },
];

/** The WGSL declaration of the block. */
export function paramsStruct(fields: readonly ParamField[]): string {
  return ['struct Params {', ...fields.map((f) => `  ${f.name}: ${f.type},`), '}'].join('\n');
}

/** No kernel's block is larger. */
const MAX_PARAM_BYTES = 4096;

const words = new Uint32Array(MAX_PARAM_BYTES / 4);
const floats = new Float32Array(words.buffer);

// Which record has each field: found once, since a kernel is always given the same records.
const places = new WeakMap<readonly ParamField[], Uint8Array>();

/**
 * The block, padded to a multiple of 16 bytes. It is good until the next call, which writes the same memory: one of its own
 * costs more than all else here, and so would one record made of several.
 * @throws Error a field without a value: a fault of heed's, not of the caller
 */
export function packParams(
  fields: readonly ParamField[],
  ...records: readonly ParamValues[]
): Uint32Array {
  let place = places.get(fields);
  if (!place) places.set(fields, (place = placesOf(fields, records)));
  for (let i = 0; i < fields.length; i++) {
    const { name, type } = fields[i]!;
    const value = records[place[i]!]?.[name];
    if (value === undefined) throw new Error(`packParams: no value for ${name}`);
    if (type === 'f32') floats[i] = value;
    else words[i] = value; // as two's complement
  }
  const end = Math.ceil(fields.length / 4) * 4;
  words.fill(0, fields.length, end);
  return words.subarray(0, end);
}

const placesOf = (fields: readonly ParamField[], records: readonly ParamValues[]): Uint8Array =>
  Uint8Array.from(fields, ({ name }) => records.findIndex((record) => name in record));
