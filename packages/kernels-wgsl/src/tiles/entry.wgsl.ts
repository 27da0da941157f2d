import { wgsl } from '@heed/core/kernel';
import { hasBlocks, type VariantHooks } from '../hooks/contract.ts';

/**
 * The entry point of a tile path. The body runs once per tile of query rows, with `work`, its kv head `head`, its `span`, and
 * the thread's own number under the name given.
 */
export function entryPoint(
  threads: number,
  thread: { readonly name: string; readonly builtin: string },
  body: string,
): string {
  return wgsl`
    @compute @workgroup_size(${threads})
    fn main(
      @builtin(workgroup_id) workgroup: vec3<u32>,
      @builtin(num_workgroups) workgroups: vec3<u32>,
      @builtin(${thread.builtin}) ${thread.name}: u32,
    ) {
      let unit = workgroup_unit(workgroup, workgroups);
      if (unit >= params.units) {
        return;
      }
      let work = find_work(unit);
      if (work.first_row >= work.rows) {
        return;
      }
      let head = kv_head(work);
      let span = tile_span(work);
      ${body}
    }
  `;
}

/** The loop over the key tiles that the block range leaves; its body has `tile_class` and `first_key`. */
export function keyTileLoop(hooks: VariantHooks, body: string): string {
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

const skipBlocks = wgsl`
  tile = next_tile(tile, tiles.y, span);
  if (tile >= tiles.y) {
    break;
  }
`;
