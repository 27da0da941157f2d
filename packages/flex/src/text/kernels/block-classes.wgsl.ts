import { memoized, threadMain, wgsl } from '@heed/core/kernel';
import {
  blockParams,
  type Call,
  diagonalPart,
  type ComposedKernel,
  composeKernel,
  lengthsPart,
  MADE_WORDS,
  type MaskHook,
  none,
  packedTilesWgsl,
  rowStruct,
  spanStruct,
  tileClasses,
  u32Fields,
} from '@heed/kernels-wgsl/variant';

/** Everything that the kernel's text depends on. */
export interface ClassesConfig extends Pick<Call, 'lengths' | 'keys'> {
  readonly mask: MaskHook;
}

const label = ({ lengths, keys, mask }: ClassesConfig): string =>
  `heed/block-mask ${lengths} ${keys} ${mask.name}`;

/** Computes the class of every block from the mask's bounds: one thread per block, 32 blocks per word of each plane. */
export const classesSource: (config: ClassesConfig) => ComposedKernel = memoized(label, make);

function make(config: ClassesConfig): ComposedKernel {
  const { mask, lengths, keys } = config;
  return composeKernel({
    label: label(config),
    head: [none, tileClasses],
    bindings: [
      { name: 'metadata', kind: 'read', element: 'i32' },
      { name: 'captures', kind: 'read', element: 'u32' },
      { name: 'blocks', kind: 'write', element: 'u32' },
    ],
    parts: [
      lengthsPart(lengths, keys),
      diagonalPart,
      rowStruct(mask.constants ?? []),
      spanStruct(),
      // The bounds of a mask read no row; its text declares the function that does.
      'fn kv_row(row: Row, key: i32) -> i32 {\n  return key;\n}',
      { fields: mask.params, text: mask.wgsl },
      blockRow,
      lengths === 'dense' ? denseRow : packedRow,
      record,
      { fields, text: main(mask.name) },
    ],
  });
}

const fields = [
  ...u32Fields('heads', 'rows', 'columns', 'words', 'extent', 'made', 'match_kind'),
  ...blockParams,
];

const blockRow = wgsl`
  struct BlockRow {
    seq: Sequence,
    // Within the sequence.
    index: u32,
  }
`;

const denseRow = wgsl`
  fn block_row(batch: u32, row: u32) -> BlockRow {
    return BlockRow(sequence(batch), row);
  }

  fn first_row_of(seq: Sequence) -> u32 {
    return 0u;
  }
`;

const packedRow = wgsl`
  ${packedTilesWgsl('block_row', 'q_begin(b) / params.block_m')}

  fn block_row(batch: u32, row: u32) -> BlockRow {
    let b = sequence_of_block_row(row);
    return BlockRow(sequence(b), row - first_block_row(b));
  }

  // Returns NONE for a sequence that shares rows with another, as in lists that do not ascend.
  fn first_row_of(seq: Sequence) -> u32 {
    let first = first_block_row(seq.index);
    let last = first + (max(seq.q_len, 1u) - 1u) / params.block_m;
    let is_own = sequence_of_block_row(first) == seq.index && sequence_of_block_row(last) == seq.index;
    return select(NONE, first, is_own);
  }
`;

const record = wgsl`
  // Writes the lengths and begins that the blocks of a sequence are made for, see MADE_WORDS.
  fn write_made(b: u32) {
    let seq = sequence(b);
    let first = first_row_of(seq);
    let at = params.blocks_made + b * ${MADE_WORDS}u;
    let any = params.match_kind == 0u;
    let never = params.match_kind == 2u || first == NONE;
    blocks[at] = select(seq.q_row, NONE, any);
    blocks[at + 1u] = select(seq.q_len, NONE, never);
    blocks[at + 2u] = select(seq.k_row, NONE, any);
    blocks[at + 3u] = seq.k_len;
    blocks[at + 4u] = first;
  }
`;

const main = (mask: string): string => wgsl`
  fn class_of_block(block: BlockRow, head: u32, column: u32) -> u32 {
    let q_len = i32(block.seq.q_len);
    let k_len = i32(block.seq.k_len);
    let query = i32(block.index * params.block_m);
    let key = i32(column * params.block_n);
    // Rows before the first sequence have no index.
    if (query < 0 || query >= q_len || key >= k_len) {
      return EMPTY;
    }
    let shift = diagonal(q_len, k_len);
    let query_last = min(query + i32(params.block_m), q_len) - 1;
    let key_last = min(key + i32(params.block_n), k_len) - 1;
    return class_${mask}(Span(
      i32(block.seq.index), i32(head), i32(head), query + shift, query_last + shift, key, key_last, q_len, k_len,
    ));
  }

  var<workgroup> some: array<atomic<u32>, 2>;
  var<workgroup> full: array<atomic<u32>, 2>;

  ${threadMain(
    'thread',
    wgsl`
      // A word of the planes is 32 threads: [batch, head, row, word].
      let word = thread / 32u;
      let column = word % params.blocks_row * 32u + thread % 32u;
      let row = word / params.blocks_row % params.rows;
      let head = word / (params.blocks_row * params.rows) % params.heads;
      let batch = word / (params.blocks_row * params.rows * params.heads);
      if (thread < params.made) {
        write_made(thread);
      }
      if (word < params.words) {
        let block = block_row(batch, row);
        if (column < params.columns) {
          let class_ = class_of_block(block, head, column);
          let bit = 1u << (thread % 32u);
          if (class_ != EMPTY) {
            atomicOr(&some[lane / 32u], bit);
          }
          if (class_ == FULL) {
            atomicOr(&full[lane / 32u], bit);
          }
        }
        if (head == 0u && column == 0u) {
          let is_row = block.index * params.block_m < block.seq.q_len;
          let columns = (block.seq.k_len + params.block_n - 1u) / params.block_n;
          blocks[params.extent + batch * params.rows + row] = select(0u, columns, is_row);
        }
      }
      workgroupBarrier();
      if (word < params.words && lane % 32u == 0u) {
        blocks[params.blocks_some + word] = atomicLoad(&some[lane / 32u]);
        blocks[params.blocks_full + word] = atomicLoad(&full[lane / 32u]);
      }
    `,
  )}
`;
