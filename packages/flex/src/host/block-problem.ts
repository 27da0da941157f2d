import type { Gpu } from '@heed/core';
import { knownList } from '@heed/core/kernel';
import {
  type Call,
  checkCumulative,
  checkLengths,
  checkUsed,
  fail,
  type Lengths,
  show,
} from '@heed/kernels-wgsl/variant';
import type { AnyBlockMaskOptions } from './block-mask-options.ts';

/** The problem that a block mask is made for, checked: the same facts for all layouts. */
export interface BlockProblem extends Pick<
  Call,
  'lengths' | 'keys' | 'batch' | 'seqlenQ' | 'seqlenK' | 'given'
> {
  readonly heads: number;
  /** The largest number of keys of a sequence. */
  readonly maxKeys: number;
  readonly align: 'start' | 'end';
  readonly blockM: number;
  readonly blockN: number;
}

type ListName = 'cuSeqlensQ' | 'cuSeqlensK' | 'seqUsedK' | 'blockTable';

/** The options as they are read: 64-bit lists are narrowed to 32 bits or, where they are checked, refused. */
type Options = Omit<AnyBlockMaskOptions, ListName> & { readonly [Name in ListName]?: Lengths };

const MAX_LENGTH = 2 ** 29;

/** @throws ValidationError an option does not fit, or is missing */
export function blockProblem(fn: string, gpu: Gpu, given: AnyBlockMaskOptions): BlockProblem {
  const o = given as Options;
  const { align = 'end' } = o;
  if (align !== 'start' && align !== 'end') {
    fail(fn, "align must be 'start' or 'end'", show(align), "Leave it out for 'end'.");
  }
  for (const name of ['B', 'H', 'Lq', 'Lk'] as const) checkCount(fn, name, o[name]);
  const [blockM, blockN] = blockSizes(fn, o.blockSize);
  const rest = { heads: o.H ?? 1, align, blockM, blockN };
  return { ...(o.cuSeqlensQ === undefined ? dense(fn, gpu, o) : packed(fn, gpu, o)), ...rest };
}

type LengthFacts = Omit<BlockProblem, 'heads' | 'align' | 'blockM' | 'blockN'>;

function dense(fn: string, gpu: Gpu, { B = 1, Lq, Lk, seqUsedK }: Options): LengthFacts {
  const seqlenQ = needed(fn, 'Lq', Lq);
  const seqlenK = needed(fn, 'Lk', Lk);
  if (seqUsedK !== undefined) {
    checkLengths(fn, gpu, 'seqUsedK', seqUsedK, [B]);
    checkUsed(fn, seqUsedK, () => seqlenK);
  }
  const given = seqUsedK === undefined ? {} : { used: seqUsedK };
  const sizes = { batch: B, seqlenQ, seqlenK, maxKeys: seqlenK };
  return { lengths: 'dense', keys: 'strided', ...sizes, given };
}

function packed(fn: string, gpu: Gpu, o: Options): LengthFacts {
  const cuQ = o.cuSeqlensQ!;
  const batch = Math.max(0, entriesOf(cuQ) - 1);
  if (o.B !== undefined && o.B !== batch) {
    fail(fn, `B must be the number of sequences, ${batch}`, show(o.B), 'Leave it out.');
  }
  const cumulative = (name: string, cu: Lengths, size: 'Lq' | 'Lk'): number => {
    checkLengths(fn, gpu, name, cu, [batch + 1]);
    const rows = o[size] ?? last(fn, size, cu);
    checkCumulative(fn, name, cu, rows);
    return rows;
  };
  const seqlenQ = cumulative('cuSeqlensQ', cuQ, 'Lq');
  const { seqUsedK: used, blockTable } = o;
  if (used !== undefined) checkLengths(fn, gpu, 'seqUsedK', used, [batch]);
  if (blockTable !== undefined) {
    if (used === undefined) {
      fail(
        fn,
        'blockTable needs seqUsedK',
        'undefined',
        'A table does not tell how many keys there are.',
      );
    }
    const maxKeys = o.Lk ?? largest(fn, 'Lk', used);
    checkUsed(fn, used, () => maxKeys);
    const sizes = { batch, seqlenQ, seqlenK: maxKeys, maxKeys };
    return { lengths: 'varlen', keys: 'paged', ...sizes, given: { cuQ, used } };
  }
  const cuK = o.cuSeqlensK ?? cuQ;
  const seqlenK = cumulative('cuSeqlensK', cuK, 'Lk');
  const slots = knownList(cuK);
  if (used !== undefined) checkUsed(fn, used, (b) => slots && slots[b + 1]! - slots[b]!);
  const maxKeys = slots ? widest(slots) : seqlenK;
  const given = { cuQ, cuK, ...(used !== undefined && { used }) };
  return { lengths: 'varlen', keys: 'strided', batch, seqlenQ, seqlenK, maxKeys, given };
}

function blockSizes(fn: string, size: Options['blockSize'] = 128): readonly [number, number] {
  const sizes: readonly unknown[] = Array.isArray(size) ? size : [size, size];
  const fits = (n: unknown): boolean =>
    Number.isInteger(n) && (n as number) > 0 && (n as number) % 32 === 0;
  if (sizes.length !== 2 || !sizes.every(fits)) {
    fail(fn, 'blockSize must be one or two multiples of 32', show(size), 'Leave it out for 128.');
  }
  return sizes as [number, number];
}

export function checkCount(fn: string, name: string, n: unknown): void {
  if (n === undefined || (Number.isInteger(n) && (n as number) >= 0 && (n as number) <= MAX_LENGTH))
    return;
  fail(
    fn,
    `${name} must be an integer from 0 to ${MAX_LENGTH}`,
    show(n),
    'Pass the size of that axis.',
  );
}

function needed(fn: string, name: string, n: number | undefined): number {
  if (n !== undefined) return n;
  return fail(
    fn,
    `${name} is required`,
    'undefined',
    'Pass the length, or cuSeqlensQ for packed tensors.',
  );
}

/** Returns the number of entries. The value is not checked yet: it may be no list at all. */
export function entriesOf(list: Lengths): number {
  return (list instanceof Int32Array ? list.length : list?.shape?.[0]) ?? 0;
}

const gpuLengths = 'Lengths on the GPU are not known here.';

function last(fn: string, name: string, cu: Lengths): number {
  const known = knownList(cu);
  if (known) return known.at(-1) ?? 0;
  return fail(fn, `${name}, the rows of the tensor, is required`, 'undefined', gpuLengths);
}

function largest(fn: string, name: string, used: Lengths): number {
  const known = knownList(used);
  if (known) return known.reduce((a, b) => Math.max(a, b), 0);
  return fail(fn, `${name}, the most keys of a sequence, is required`, 'undefined', gpuLengths);
}

function widest(cu: Int32Array): number {
  return cu.reduce((most, end, i) => Math.max(most, end - (cu[i - 1] ?? end)), 0);
}
