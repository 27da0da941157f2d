import type { PagedKvView, Tensor } from '@heed/core';
import { UnsupportedError } from '@heed/core';
import { assertUsable, checkTensor } from '@heed/core/kernel';
import type { FloatType } from '../config/forward.ts';
import type { Call } from './call.ts';
import { fail, show } from './checks/fail.ts';
import { checkCumulative, checkLengths, checkPages, checkUsed, type Lengths } from './checks/lengths.ts';
import { checkOptions, checkOut } from './checks/options.ts';
import { checkHeads, checkKeyValue, checkLengthLimit } from './checks/shapes.ts';
import { optionTensors } from './dense-call.ts';
import type { VarlenOptions } from './options.ts';

const floats = ['f32', 'f16'] as const;

/** Checks a call over packed [T, H, D] queries, and packed or paged keys and values. */
export function varlenCall(fn: string, q: Tensor, k: Tensor, v: Tensor, options: VarlenOptions): Call {
  checkTensor(fn, 'q', q, { rank: 3, dtype: floats });
  const { gpu } = q;
  assertUsable(gpu);
  if (options === null || typeof options !== 'object' || options.cuSeqlensQ === undefined) {
    fail(fn, 'cuSeqlensQ is required', show(options?.cuSeqlensQ), 'Pass Int32Array [N + 1]: 0, then the end of each sequence.');
  }
  checkFormat(fn, options.format);
  const paged = options.blockTable !== undefined;
  const rank = paged ? 4 : 3;
  checkTensor(fn, 'k', k, { rank, dtype: floats, gpu });
  checkTensor(fn, 'v', v, { rank, dtype: floats, gpu });
  checkKeyValue(fn, k, v);
  checkHeads(fn, { q, k, v }, { heads: 1, kvHeads: rank - 2 });

  const [seqlenQ, qHeads, headDim] = q.shape as [number, number, number];
  checkLengthLimit(fn, 'the number of query rows', seqlenQ);
  const batch = sequences(fn, options.cuSeqlensQ);
  checkLengths(fn, gpu, 'cuSeqlensQ', options.cuSeqlensQ, [batch + 1]);
  checkCumulative(fn, 'cuSeqlensQ', options.cuSeqlensQ, seqlenQ);
  checkOptions({ fn, gpu, batch, qHeads }, options);
  const keys = paged ? pagedKeys(fn, k, batch, options) : packedKeys(fn, k, batch, options);
  checkLengthLimit(fn, 'the number of key rows', keys.seqlenK);

  const headDimV = v.shape.at(-1)!;
  if (options.out !== undefined) {
    checkOut({ fn, gpu }, options.out, [seqlenQ, qHeads, headDimV], { q, k, v, ...optionTensors(options) });
  }
  return {
    fn, gpu, q, k, v,
    dtype: q.dtype as FloatType,
    kvDtype: k.dtype as FloatType,
    headDim, headDimV, qHeads,
    kvHeads: k.shape[rank - 2]!,
    lengths: 'varlen',
    batch, seqlenQ, options,
    ...keys,
  };
}

/** The call that a page view stands for. */
export function viewCall(fn: string, q: Tensor, view: PagedKvView, options: VarlenOptions): Call {
  const { k, v, blockTable, seqUsedK, format, headDim, headDimV } = view;
  return varlenCall(fn, q, k, v, { ...options, blockTable, seqUsedK, format, headDim, headDimV });
}

type KeyFacts = Pick<Call, 'keys' | 'seqlenK' | 'pageSize' | 'pages' | 'maxPages' | 'given'>;

function packedKeys(fn: string, k: Tensor, batch: number, o: VarlenOptions): KeyFacts {
  const rows = k.shape[0]!;
  const cuK = o.cuSeqlensK ?? o.cuSeqlensQ;
  const name = o.cuSeqlensK === undefined ? 'cuSeqlensQ (also for k)' : 'cuSeqlensK';
  checkLengths(fn, k.gpu, name, cuK, [batch + 1]);
  checkCumulative(fn, name, cuK, rows);
  if (o.seqUsedK !== undefined) {
    checkLengths(fn, k.gpu, 'seqUsedK', o.seqUsedK, [batch]);
    checkUsed(fn, o.seqUsedK, (b) => (cuK instanceof Int32Array ? cuK[b + 1]! - cuK[b]! : undefined));
  }
  const given = { cuQ: o.cuSeqlensQ, cuK, ...(o.seqUsedK !== undefined && { used: o.seqUsedK }) };
  return { keys: 'strided', seqlenK: rows, pageSize: 1, pages: 0, maxPages: 0, given };
}

function pagedKeys(fn: string, k: Tensor, batch: number, o: VarlenOptions): KeyFacts {
  const [pages, pageSize] = k.shape as [number, number];
  const table = o.blockTable!;
  if (o.seqUsedK === undefined) {
    fail(fn, 'blockTable needs seqUsedK', 'undefined', 'A table does not tell how many keys a sequence has.');
  }
  if (pageSize < 1) fail(fn, 'pageSize (second dimension of k) must be at least 1', String(pageSize), 'Pass k as [pages, pageSize, Hkv, D].');
  checkLengths(fn, k.gpu, 'seqUsedK', o.seqUsedK, [batch]);
  const maxPages = tableWidth(fn, table, batch);
  checkLengths(fn, k.gpu, 'blockTable', table, [batch, maxPages]);
  const seqlenK = maxPages * pageSize;
  checkUsed(fn, o.seqUsedK, () => seqlenK);
  checkPages(fn, table, o.seqUsedK, { maxPages, pageSize, pages });
  const given = { cuQ: o.cuSeqlensQ, used: o.seqUsedK, table };
  return { keys: 'paged', seqlenK: pages === 0 ? 0 : seqlenK, pageSize, pages, maxPages, given };
}

function sequences(fn: string, cu: Lengths): number {
  const entries = cu instanceof Int32Array ? cu.length : (cu.shape?.[0] ?? 1);
  if (entries < 1) fail(fn, 'cuSeqlensQ must have N + 1 entries', '0', 'For no sequences pass [0].');
  return entries - 1;
}

function tableWidth(fn: string, table: Lengths, batch: number): number {
  if (!(table instanceof Int32Array)) return table.shape?.[1] ?? 0;
  if (batch === 0) return 0;
  if (table.length % batch !== 0) {
    fail(fn, `blockTable must be [${batch}, maxPages], row by row`, `${table.length} entries`, 'Pad every row to the same number of pages.');
  }
  return table.length / batch;
}

function checkFormat(fn: string, format: unknown): void {
  if (format === undefined || format === 'f32' || format === 'f16') return;
  if (format === 'int8' || format === 'int4') {
    throw new UnsupportedError(`${fn}: ${format} pages cannot be read yet. Use a cache with dtype 'f16' or 'f32'.`);
  }
  fail(fn, "format must be 'f32', 'f16', 'int8' or 'int4'", show(format), 'Leave it out for float pages.');
}
