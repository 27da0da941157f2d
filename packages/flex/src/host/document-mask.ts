import type { Gpu, Tensor } from '@heed/core';
import {
  assertUsable,
  bindTensor,
  dispatch,
  getKernel,
  type KernelSource,
  narrowed,
  readOptions,
  threadGrid,
  threadMain,
  unscoped,
  wgsl,
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
import { andMasks, bind } from '../text/compile/compose.ts';
import type { Captures, MaskMod } from '../text/compile/mod-types.ts';
import {
  type AnyBlockMaskOptions,
  documentNames,
  type DocumentOptions,
  meantMask,
} from './block-mask-options.ts';
import { checkCount, entriesOf } from './block-problem.ts';

const sameDocument: MaskMod<{ id: Tensor; documents: number }> = (b, h, q, kv, c) =>
  c.id[q]! < c.documents && c.id[q] === c.id[kv];

/** Returns the mask of packed documents, whose table has the document of each row. */
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

/**
 * Computes the document of each row. Rows after the last document get the number of documents: ascending ids have the tightest
 * bounds.
 */
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

/** Finds the document of each row by binary search; rows after the last get `documents`. Ends that do not ascend are safe. */
const documentsSource: KernelSource = {
  label: 'heed/document ids',
  bindings: ['read', 'write', 'uniform'],
  code: `${wgsl`
    struct Params {
      rows: u32,
      documents: u32,
      cu: u32,
    }

    @group(0) @binding(0) var<storage, read> cu_seqlens: array<i32>;
    @group(0) @binding(1) var<storage, read_write> ids: array<i32>;
    @group(0) @binding(2) var<uniform> params: Params;

    ${threadMain(
      'row',
      wgsl`
        if (row >= params.rows) {
          return;
        }
        // The first document that ends after the row.
        var low = 0u;
        var high = params.documents;
        while (low < high) {
          let middle = (low + high) / 2u;
          if (cu_seqlens[params.cu + middle + 1u] > i32(row)) {
            high = middle;
          } else {
            low = middle + 1u;
          }
        }
        ids[row] = i32(low);
      `,
    )}
  `}\n`,
};
