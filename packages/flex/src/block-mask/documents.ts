import type { Gpu, Tensor } from '@heed/core';
import {
  assertUsable,
  bindTensor,
  dispatch,
  getKernel,
  narrowed,
  readOptions,
  threadGrid,
  unscoped,
} from '@heed/core/kernel';
import {
  bindLengths,
  checkCumulative,
  checkLengths,
  fail,
  type GivenLengths,
  type Lengths,
  recorderTarget,
} from '@heed/kernels-wgsl/variant';
import { andMasks, bind } from '../compile/compose.ts';
import type { Captures, MaskMod } from '../compile/types.ts';
import { documentsSource } from './documents.wgsl.ts';
import { documentNames, meantMask } from './option-names.ts';
import type { AnyBlockMaskOptions, DocumentOptions } from './options.ts';
import { checkCount, entriesOf } from './problem.ts';

const sameDocument: MaskMod<{ id: Tensor; documents: number }> = (b, h, q, kv, c) =>
  c.id[q]! < c.documents && c.id[q] === c.id[kv];

/** The mask of packed documents, with a table of the document of each row. */
export function documentMask<C extends Captures>(
  fn: string,
  gpu: Gpu,
  given: GivenLengths,
  o: DocumentOptions<C> | undefined,
): { maskMod: Function; options: AnyBlockMaskOptions; owned: Tensor[] } {
  assertUsable(gpu);
  const { maskMod, L, ...rest } = readOptions(
    fn,
    o as DocumentOptions<Captures> | undefined,
    documentNames,
    meantMask,
  );
  const cu = narrowed(given);
  const entries = entriesOf(cu as Lengths);
  checkLengths(fn, gpu, 'cuSeqlens', cu, [Math.max(1, entries)]);
  checkCount(fn, 'L', L);
  const length = L ?? (cu instanceof Int32Array ? cu.at(-1) : undefined);
  if (length === undefined) {
    fail(fn, 'L is required', 'undefined', 'Lengths on the GPU are not known here.');
  }
  checkCumulative(fn, 'cuSeqlens', cu, length);
  const documents = entries - 1;
  const id = documentIds(gpu, cu, documents, length);
  const own = bind(sameDocument, { id, documents }) as MaskMod<never>;
  const both = maskMod ? andMasks(own, maskMod as MaskMod<never>) : own;
  return { maskMod: both, options: { ...rest, Lq: length, Lk: length }, owned: [id] };
}

/** The document of each row; behind the last, the number of documents: ids that ascend have the tightest bounds. */
function documentIds(gpu: Gpu, cu: Int32Array | Tensor, documents: number, length: number): Tensor {
  const options = { dtype: 'i32', label: 'heed/document ids' } as const;
  const id = unscoped(gpu, () => gpu.empty([Math.max(1, length)], options));
  gpu.batch(() => {
    const { range, values, release } = bindLengths(recorderTarget(gpu), { given: { cuQ: cu } });
    const params = Uint32Array.of(id.shape[0]!, documents, values.cu_q, 0);
    dispatch(gpu, {
      kernel: getKernel(gpu, documentsSource),
      buffers: [range, bindTensor(id).range],
      params,
      workgroups: threadGrid(gpu, id.shape[0]!),
    });
    release();
  });
  return id;
}
