import { wgsl } from '@heed/core/kernel';
import { hasBlocks } from '../parts/hook.ts';
import type { GradientOf } from '../parts/kinds.ts';
import type { BackwardConfig, KeyTiles } from './kernel-config.ts';

/** A builtin input of an invocation, such as its index in its workgroup: its name in the body, and its source. */
export interface ThreadIndex {
  readonly name: string;
  readonly builtin: string;
}

/** The threads of a workgroup; with their subgroup size, if the kernel fixes it. */
export type Workgroup = number | { readonly threads: number; readonly subgroupSize: number };

/** Returns an entry point whose body runs once per unit of work, with `unit` and the thread's own index. */
function threadEntry(
  workgroup: Workgroup,
  thread: ThreadIndex,
  body: string,
  ...more: readonly ThreadIndex[]
): string {
  const attributes =
    typeof workgroup === 'number'
      ? `@workgroup_size(${workgroup})`
      : `@workgroup_size(${workgroup.threads}) @subgroup_size(${workgroup.subgroupSize})`;
  return wgsl`
    @compute ${attributes}
    fn main(
      @builtin(workgroup_id) workgroup: vec3<u32>,
      @builtin(num_workgroups) workgroups: vec3<u32>,
      ${[thread, ...more].map(({ name, builtin }) => `@builtin(${builtin}) ${name}: u32,`)}
    ) {
      let unit = workgroup_unit(workgroup, workgroups);
      if (unit >= params.units) {
        return;
      }
      ${body}
    }
  `;
}

/** Returns the entry point of a tile path. Its body has `work`, a tile of query rows, their kv head `head`, and their `span`. */
export function entryPoint(
  { selectedBlock, cascade }: KeyTiles,
  workgroup: Workgroup,
  thread: ThreadIndex,
  body: string,
  ...more: readonly ThreadIndex[]
): string {
  const rows = wgsl`
    let work = find_work(unit);
    if (work.first_row >= work.rows) {
      return;
    }
    let head = kv_head(work);
    ${selectedBlock === 0 && `let span = tile_span(work${cascade?.pass === 'prefix' ? ', unit' : ''});`}
    ${body}
  `;
  return threadEntry(workgroup, thread, rows, ...more);
}

/** The bodies of a path's backward kernels, by gradient. */
export type GradientBodies<Tile> = Readonly<
  Record<GradientOf, (config: BackwardConfig, tile: Tile) => string>
>;

/** Returns the entry point of a backward kernel: over key tiles for dk and dv, else over query tiles. */
export function gradientEntry<Tile>(
  config: BackwardConfig,
  tile: Tile,
  workgroup: Workgroup,
  thread: ThreadIndex,
  bodies: GradientBodies<Tile>,
  ...more: readonly ThreadIndex[]
): string {
  const { of } = config;
  const body = bodies[of](config, tile);
  return of === 'kv'
    ? threadEntry(workgroup, thread, body, ...more)
    : entryPoint(config, workgroup, thread, body, ...more);
}

/**
 * Returns the loop over the key tiles within the block range, or over those of the list of selected keys. Its body has
 * `tile_class`, and `first_key`, or the list's `first_entry`.
 */
export function keyTileLoop({ hooks, selectedBlock }: KeyTiles, body: string): string {
  if (selectedBlock > 0) return listTileLoop(body);
  return wgsl`
    let tiles = key_tiles(work, span);
    for (var tile = tiles.x; tile < tiles.y; tile++) {
      ${hasBlocks(hooks) && skipBlocks}
      let tile_class = class_of_tile(tile, span);
      if (tile_class == EMPTY) {
        continue;
      }
      let first_key = tile * TILE_N;
      ${body}
    }
  `;
}

const listTileLoop = (body: string): string => wgsl`
  let tile_class = PARTIAL;
  let tiles = list_tiles(work);
  for (var tile = tiles.x; tile < tiles.y; tile++) {
    let first_entry = tile * TILE_N;
    ${body}
  }
`;

/**
 * Returns the loop over a key tile's queries: the group's heads, and the query tiles that see it. Its body has `work` and
 * `tile_class`.
 */
export function queryTileLoop(body: string): string {
  return wgsl`
    for (var group_head = 0u; group_head < params.group; group_head++) {
      for (var first_query = 0u; first_query < seq.q_len; first_query += TILE_M) {
        let work = Work(seq, head * params.group + group_head, 0u, first_query, seq.q_len);
        let tile_class = class_of_tile(first_key / TILE_N, tile_span(work));
        if (tile_class == EMPTY) {
          continue;
        }
        ${body}
      }
    }
  `;
}

/**
 * Returns the statements before the loop over queries. They declare the workgroup's keys: `seq`, `head` and `first_key`.
 * @param tile the number of its tile of keys, over all heads
 */
export const keyTileStart = (tile: string = 'unit'): string => wgsl`
  let key_work = find_keys(${tile});
  let seq = key_work.seq;
  let head = key_work.head;
  let first_key = key_work.first_key;
  if (first_key >= seq.k_len) {
    return;
  }
`;

const skipBlocks = wgsl`
  tile = next_tile(tile, tiles.y, span);
  if (tile >= tiles.y) {
    break;
  }
`;
