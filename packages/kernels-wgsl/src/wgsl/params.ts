/** One 4-byte member of the uniform block. */
export interface ParamField {
  readonly name: string;
  readonly type: 'u32' | 'i32' | 'f32';
}

/** Values by field name; booleans do not occur, an absent table is {@link NONE}. */
export type ParamValues = Readonly<Record<string, number>>;

/** An offset that says: this table was not given. */
export const NONE = 0xffffffff;

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
  ...u32Fields('align_end', 'write_lse', 'sinks', 'sinks_head'),
  // Loop bounds that a compiler must not know; see wgsl/loop.ts.
  ...u32Fields('q_vecs', 'v_vecs', 'chunk_vecs', 'v_chunks', 'key_turns'),
  { name: 'scale', type: 'f32' },
];

/** The WGSL declaration of the block. */
export function paramsStruct(fields: readonly ParamField[]): string {
  return ['struct Params {', ...fields.map((f) => `  ${f.name}: ${f.type},`), '}'].join('\n');
}

/**
 * The bytes of the block, padded to a multiple of 16.
 * @throws Error a field without a value: a fault of heed's, not of the caller
 */
export function packParams(fields: readonly ParamField[], values: ParamValues): ArrayBuffer {
  const bytes = new ArrayBuffer(Math.ceil(fields.length / 4) * 16);
  const view = new DataView(bytes);
  fields.forEach(({ name, type }, i) => {
    const value = values[name];
    if (value === undefined) throw new Error(`packParams: no value for ${name}`);
    if (type === 'f32') view.setFloat32(i * 4, value, true);
    else if (type === 'i32') view.setInt32(i * 4, value, true);
    else view.setUint32(i * 4, value, true);
  });
  return bytes;
}
