import { wgsl } from '@heed/core/kernel';
import type { CascadePass } from './cascade.wgsl.ts';
import { hasBlocks, type MaskHook, type VariantHooks } from './hook.ts';
import type { RowKind } from './kinds.ts';
import { spanStruct } from './query-rows.wgsl.ts';
import type { KernelPart } from './kernel-parts.ts';
import { u32Fields } from './params.ts';

/** Tile classes, ordered so that a conjunction is `min`. */
export const tileClasses: string = wgsl`
  const EMPTY = 0u;
  const PARTIAL = 1u;
  const FULL = 2u;
`;

/**
 * Block range: the key tiles that a query tile visits, and the class of each. EMPTY tiles are skipped; FULL tiles need no
 * mask per element. Key tiles start at key 0 of the sequence, so that the order of a row's sum does not depend on the rest
 * of the batch. The tiles of selected keys are those of the list, and PARTIAL.
 */
export function blockRangePart(
  rows: RowKind,
  hooks: VariantHooks,
  tileN: number,
  isSelected = false,
  pass?: CascadePass,
): KernelPart {
  if (isSelected) return listRange(tileN);
  const isPrefix = pass === 'prefix';
  // The rows of a prefix pass have no sequence in common, so bounds that ask for one do not hold.
  const isBounded = ({ wgsl: text }: MaskHook): boolean => !isPrefix || !ofSequence.test(text);
  const { masks } = hooks;
  const ranged = masks.filter((mask) => mask.hasRange && isBounded(mask));
  const text = wgsl`
    const TILE_N = ${tileN}u;

    ${spanStruct(hasBlocks(hooks) ? '// Where the blocks of the sequence begin, or NONE.\nplanes: u32,' : '')}

    ${isPrefix ? prefixSpan : tileSpan(rows, hooks)}

    // First key tile and one past the last, within this workgroup's split.
    fn key_tiles(work: Work, span: Span) -> vec2<u32> {
      let k_len = i32(work.seq.k_len);
      var first = 0;
      var end = k_len;
      ${ranged.map(
        ({ name }) => wgsl`
          let ${name} = range_${name}(span);
          first = max(first, ${name}.x);
          end = min(end, ${name}.y);
        `,
      )}
      if (first >= end) {
        return vec2<u32>(0u, 0u);
      }
      ${pass === 'suffix' ? ownTiles : allTiles}
    }

    fn class_of_tile(tile: u32, whole: Span) -> u32 {
      var span = whole;
      span.key_first = i32(tile * TILE_N);
      let last = i32(tile * TILE_N + TILE_N) - 1;
      span.key_last = min(last, whole.k_len - 1);
      var class_ = select(FULL, PARTIAL, last >= whole.k_len);
      ${masks.map((mask) => (isBounded(mask) ? classOf(mask) : 'class_ = min(class_, PARTIAL);'))}
      return class_;
    }
  `;
  return { fields: u32Fields('splits', 'group'), text };
}

// What mods that read their sequence's number or lengths have in their bounds.
const ofSequence = /span\.(batch|q_len|k_len)/;

const allTiles = wgsl`
  let all = (u32(k_len) + TILE_N - 1u) / TILE_N;
  let per_split = (all + params.splits - 1u) / params.splits;
  let begin = max(u32(first) / TILE_N, work.split * per_split);
  return vec2<u32>(begin, min((u32(end) + TILE_N - 1u) / TILE_N, (work.split + 1u) * per_split));
`;

const ownTiles = wgsl`
  let shared_tiles = shared_keys(work.seq) / TILE_N;
  let own = (u32(k_len) + TILE_N - 1u) / TILE_N - shared_tiles;
  let per_split = (own + params.splits - 1u) / params.splits;
  let begin = shared_tiles + work.split * per_split;
  return vec2<u32>(max(u32(first) / TILE_N, begin), min((u32(end) + TILE_N - 1u) / TILE_N, begin + per_split));
`;

const prefixSpan = wgsl`
  fn tile_span(work: Work, unit: u32) -> Span {
    let positions = tile_positions(unit);
    let k_len = i32(work.seq.k_len);
    let head_first = work.head * params.group;
    return Span(
      i32(work.seq.index), i32(head_first), i32(head_first + params.group - 1u),
      positions.x, positions.y,
      0, k_len - 1, 0, k_len,
    );
  }
`;

const tileSpan = (rows: RowKind, hooks: VariantHooks): string => wgsl`
  fn tile_span(work: Work) -> Span {
    let last_row = min(work.first_row + TILE_M, work.rows) - 1u;
    let q_len = i32(work.seq.q_len);
    let k_len = i32(work.seq.k_len);
    let shift = diagonal(q_len, k_len);
    ${rows === 'group' ? groupHeads : 'let head_first = work.head;\nlet head_last = work.head;'}
    return Span(
      i32(work.seq.index), i32(head_first), i32(head_last),
      i32(row_position(work.first_row)) + shift, i32(row_position(last_row)) + shift,
      0, k_len - 1, q_len, k_len,
      ${hasBlocks(hooks) && 'planes_of(work.seq),'}
    );
  }
`;

const listRange = (tileN: number): KernelPart => ({
  fields: u32Fields('splits'),
  text: wgsl`
    const TILE_N = ${tileN}u;

    ${spanStruct()}

    // First list tile and one past the last, within this workgroup's split.
    fn list_tiles(work: Work) -> vec2<u32> {
      if (work.seq.k_len == 0u) {
        return vec2<u32>(0u, 0u);
      }
      let all = (selected_count() + TILE_N - 1u) / TILE_N;
      let per_split = (all + params.splits - 1u) / params.splits;
      return vec2<u32>(work.split * per_split, min(all, (work.split + 1u) * per_split));
    }
  `,
});

// Interval bounds may classify the tiles of a partial block more finely.
const classOf = ({ name, hasBlocks: isLookedUp }: MaskHook): string =>
  isLookedUp
    ? wgsl`
        let blocks = class_of_blocks(span);
        if (blocks != PARTIAL) {
          class_ = min(class_, blocks);
        } else {
          class_ = min(class_, class_${name}(span));
        }
      `
    : `class_ = min(class_, class_${name}(span));`;

const groupHeads = wgsl`
  let head_first = work.head * params.group;
  let head_last = head_first + params.group - 1u;
`;
