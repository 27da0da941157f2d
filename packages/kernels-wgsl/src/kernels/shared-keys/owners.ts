import type { Tensor } from '@heed/core';
import {
  bindTensor,
  getKernel,
  type KernelSource,
  threadGrid,
  threadMain,
  wgsl,
} from '@heed/core/kernel';
import type { Call } from '../../api/call.ts';
import { checkMemory } from '../../run/check-memory.ts';
import type { BoundLengths } from '../../run/lengths.ts';
import type { Target } from '../../run/target.ts';
import { none } from '../../wgsl/constants.wgsl.ts';

/**
 * Which table entries name a page, as linked lists in ascending order: the first entry of each page, then for each entry the
 * next one of its page. One thread per link, which looks through the entries behind it.
 */
export const ownersSource: KernelSource = {
  label: 'heed/page owners',
  bindings: ['read', 'write', 'uniform'],
  code: `${wgsl`
    ${none}

    struct Params {
      links: u32,
      pages: u32,
      entries: u32,
      max_pages: u32,
      page_size: u32,
      table: u32,
      used: u32,
    }

    @group(0) @binding(0) var<storage, read> metadata: array<i32>;
    @group(0) @binding(1) var<storage, read_write> links: array<u32>;
    @group(0) @binding(2) var<uniform> params: Params;

    // The page that an entry in use names.
    fn page_of(entry: u32) -> u32 {
      let first_key = i32(entry % params.max_pages * params.page_size);
      if (first_key >= metadata[params.used + entry / params.max_pages]) {
        return NONE;
      }
      return u32(clamp(metadata[params.table + entry], 0, i32(params.pages) - 1));
    }

    ${threadMain(
      'link',
      wgsl`
        if (link >= params.links) {
          return;
        }
        var page = link;
        var entry = 0u;
        if (link >= params.pages) {
          page = page_of(link - params.pages);
          entry = link - params.pages + 1u;
        }
        while (entry < params.entries && (page == NONE || page_of(entry) != page)) {
          entry++;
        }
        links[link] = select(NONE, entry, page != NONE && entry < params.entries);
      `,
    )}
  `}\n`,
};

/** The links of a paged call, which the caller frees. */
export function pageOwners(target: Target, call: Call, side: BoundLengths): Tensor {
  const { batch, pages, maxPages, pageSize } = call;
  const entries = batch * maxPages;
  const fix = 'Pass a block table with fewer entries, or fewer pages.';
  checkMemory(call, pages + entries, 'the list of pages and of table entries', fix);
  const links = target.scratch('page owners', [pages + entries], 'u32');
  const { table, used_k: used } = side.values;
  const params = Uint32Array.of(
    pages + entries,
    pages,
    entries,
    maxPages,
    pageSize,
    table,
    used,
    0,
  );
  target.dispatch({
    kernel: getKernel(target.gpu, ownersSource),
    buffers: [side.range, bindTensor(links).range],
    params,
    workgroups: threadGrid(target.gpu, pages + entries),
  });
  return links;
}
