import type { Tensor } from '@heed/core';
import { bindTensor, getKernel, placeholder, threadGrid } from '@heed/core/kernel';
import type { Call } from '../../api/call.ts';
import type { FloatType, WriteAccess } from '../../config/forward.ts';
import { readAccess } from '../../run/access.ts';
import { offsetWithin } from '../../run/gradient-pair.ts';
import type { BoundLengths } from '../../run/lengths.ts';
import { keyAxes } from '../../run/strides.ts';
import type { Target } from '../../run/target.ts';
import { packParams } from '../../wgsl/params.ts';
import { readBytes } from '../../wgsl/read.wgsl.ts';
import { writeBytes } from '../../wgsl/write.wgsl.ts';
import { sumParams, sumSource } from './sum.wgsl.ts';

/** One gradient: its parts by sequence, f32 [B, Hkv, L, D], and where their sum goes: a view of `whole`. */
export interface SharedSum {
  readonly part: Tensor;
  readonly result: Tensor;
  readonly whole: Tensor;
  readonly write: WriteAccess;
  readonly owners: Tensor | undefined;
}

/** Sums over owners: the entries that name a page, or all batch entries. */
export function sumOwners(
  target: Target,
  call: Call,
  side: BoundLengths,
  { part, result, whole, write, owners }: SharedSum,
): void {
  const { gpu } = target;
  const config = {
    owners: owners ? ('pages' as const) : ('batch' as const),
    dim: result.shape.at(-1)!,
    resultType: result.dtype as FloatType,
    read: readAccess([part]),
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
  const [partBatch, partHead, partRow, partDim] = part.strides;
  const values = {
    threads,
    heads,
    rows,
    batch: call.batch,
    pages: call.pages,
    max_pages: call.maxPages,
    used: side.values.used_k,
    part_offset: from.elementOffset,
    part_batch: partBatch!,
    part_head: partHead!,
    part_row: partRow!,
    part_dim: partDim!,
    out_offset: to.elementOffset + offsetWithin(result, whole),
    out_outer: result.strides[0]!,
    out_head: result.strides[axes.head]!,
    out_row: result.strides[axes.row]!,
    out_dim: result.strides[axes.dim]!,
  };
  target.dispatch({
    kernel: getKernel(gpu, sumSource(config)),
    buffers: [
      from.range,
      owners ? bindTensor(owners).range : placeholder(gpu, 'read'),
      side.range,
      to.range,
    ],
    params: packParams(sumParams, values),
    workgroups: threadGrid(gpu, threads),
  });
}
