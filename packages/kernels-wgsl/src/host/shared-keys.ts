import type { Tensor } from '@heed/core';
import {
  bindTensor,
  type BoundTensor,
  placeholder,
  threadGrid,
  threadMain,
  wgsl,
} from '@heed/core/kernel';
import { sumSource } from '../text/kernels/shared-keys.wgsl.ts';
import { type ComposedKernel, composeKernel } from '../text/parts/kernel-parts.ts';
import type { FloatType, WriteAccess } from '../text/parts/kinds.ts';
import { none, packParams, u32Fields } from '../text/parts/params.ts';
import { readBytes, writeBytes } from '../text/parts/row-access.wgsl.ts';
import type { Call } from './attention-call.ts';
import { checkMemory, type Target } from './launch-target.ts';
import { offsetWithin } from './memory-layout.ts';
import { keyAxes, readAccess } from './memory-layout.ts';
import type { BoundLengths } from './packed-words.ts';

/**
 * Links the block-table entries that name the same page, in ascending order: stores the first entry of each page, then for
 * each entry the next one of its page. One thread per link scans the entries after it.
 */
export const ownersSource: ComposedKernel = composeKernel({
  label: 'heed/page owners',
  head: [none],
  bindings: [
    { name: 'metadata', kind: 'read', element: 'i32' },
    { name: 'links', kind: 'write', element: 'u32' },
  ],
  parts: [
    {
      fields: u32Fields('links', 'pages', 'entries', 'max_pages', 'page_size', 'table', 'used'),
      text: wgsl`
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
      `,
    },
  ],
});

/** Returns the links of a paged call. The caller frees them. */
export function pageOwners(target: Target, call: Call, side: BoundLengths): Tensor {
  const { batch, pages, maxPages, pageSize } = call;
  const entries = batch * maxPages;
  const fix = 'Pass a block table with fewer entries, or fewer pages.';
  checkMemory(target, call.fn, pages + entries, 'the list of pages and of table entries', fix);
  const links = target.scratch('page owners', [pages + entries], 'u32');
  const { table, used_k: used } = side.values;
  const values = {
    links: pages + entries,
    pages,
    entries,
    max_pages: maxPages,
    page_size: pageSize,
    table,
    used,
  };
  target.dispatch({
    source: ownersSource,
    buffers: [side.range, bindTensor(links).range],
    params: packParams(ownersSource.fields, values),
    workgroups: threadGrid(target.gpu, pages + entries),
  });
  return links;
}

/** One gradient: its parts per sequence, f32 [B, Hkv, L, D], and the destination of their sum, a view of `whole`. */
interface SharedSum {
  readonly part: Tensor;
  /** Parts that are added to the first columns: the gradients of values that lie in the memory of the keys. */
  readonly added?: Tensor | undefined;
  readonly result: Tensor;
  readonly whole: Tensor;
  readonly write: WriteAccess;
  readonly owners: Tensor | undefined;
}

/** Sums over the owners of a key: the block-table entries that name its page, or all batch entries. */
export function sumOwners(
  target: Target,
  call: Call,
  side: BoundLengths,
  { part, added, result, whole, write, owners }: SharedSum,
): void {
  const { gpu } = target;
  const config = {
    owners: owners ? ('pages' as const) : ('batch' as const),
    dim: result.shape.at(-1)!,
    ...(added && { added: added.shape.at(-1)! }),
    resultType: result.dtype as FloatType,
    read: readAccess(added ? [part, added] : [part]),
    write,
  };
  const axes = keyAxes(call);
  const [rows, heads] = [result.shape[axes.row]!, result.shape[axes.head]!];
  const outer = owners ? call.pages : 1;
  const threads = outer * heads * rows * Math.ceil(config.dim / 4);
  if (threads === 0) return;
  const [from, to] = [
    bindTensor(part, readBytes('f32', config.read)),
    bindTensor(whole, writeBytes(config.resultType, write)),
  ];
  const more = added && bindTensor(added, readBytes('f32', config.read));
  const values = {
    threads,
    heads,
    rows,
    batch: call.batch,
    pages: call.pages,
    max_pages: call.maxPages,
    used: side.values.used_k,
    ...partValues('part', part, from),
    ...(more && partValues('added', added, more)),
    out_offset: to.elementOffset + offsetWithin(result, whole),
    out_outer: result.strides[0]!,
    out_head: result.strides[axes.head]!,
    out_row: result.strides[axes.row]!,
    out_dim: result.strides[axes.dim]!,
  };
  const source = sumSource(config);
  target.dispatch({
    source,
    buffers: [
      from.range,
      ...(more ? [more.range] : []),
      owners ? bindTensor(owners).range : placeholder(gpu, 'read'),
      side.range,
      to.range,
    ],
    params: packParams(source.fields, values),
    workgroups: threadGrid(gpu, threads),
  });
}

function partValues(
  name: string,
  { strides }: Tensor,
  { elementOffset }: BoundTensor,
): Record<string, number> {
  const [batch, head, row, dim] = strides as [number, number, number, number];
  return {
    [`${name}_offset`]: elementOffset,
    [`${name}_batch`]: batch,
    [`${name}_head`]: head,
    [`${name}_row`]: row,
    [`${name}_dim`]: dim,
  };
}
