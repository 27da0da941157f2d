import type { Gpu } from '@heed/core';
import { checkNarrow, checkTensor, fail, formatShape, knownList, show } from '@heed/core/kernel';
import type { GivenLengths, Lengths } from '../host/options/seq-used-k.ts';

/** Checks the type and shape of a lengths argument. */
export function checkLengths(
  fn: string,
  gpu: Gpu,
  name: string,
  x: GivenLengths,
  shape: readonly number[],
): asserts x is Lengths {
  const rule = `${name} must be ${formatShape(shape)}`;
  const fix = 'One entry per sequence, and one more for cumulative lengths.';
  if (x instanceof Int32Array) {
    const count = shape.reduce((a, b) => a * b, 1);
    if (x.length !== count) fail(fn, rule, `${x.length} entries`, fix);
    return;
  }
  checkNarrow(fn, name, x);
  if (x === null || typeof x !== 'object' || ArrayBuffer.isView(x) || Array.isArray(x)) {
    const rule32 = `${name} must be an Int32Array or an i32 Tensor`;
    fail(fn, rule32, show(x), `Use Int32Array.from(${name}, Number).`);
  }
  checkTensor(fn, name, x, { rank: shape.length, dtype: ['i32'], gpu });
  if (x.shape.some((n, i) => n !== shape[i])) {
    fail(fn, rule, formatShape(x.shape), fix);
  }
}

/** Checks cumulative lengths known to the host: the first is 0, they ascend, and the last is at most the row count. */
export function checkCumulative(fn: string, name: string, list: Lengths, rows: number): void {
  const x = knownList(list);
  if (!x) return;
  if (x[0] !== 0)
    fail(
      fn,
      `${name} must start with 0`,
      String(x[0]),
      'Sequence b is rows cu[b] to cu[b + 1] − 1.',
    );
  for (let b = 1; b < x.length; b++) {
    if (x[b]! < x[b - 1]!) {
      fail(
        fn,
        `${name} must not decrease`,
        `${x[b - 1]} then ${x[b]} at ${b}`,
        'Pass cumulative lengths, not lengths.',
      );
    }
  }
  const last = x[x.length - 1]!;
  if (last > rows)
    fail(
      fn,
      `${name} must end within the ${rows} rows of its tensor`,
      String(last),
      'Its last entry is the number of rows in use.',
    );
}

/** Checks used lengths known to the host: each is at most `slot(b)`, which is undefined if only the GPU knows it. */
export function checkUsed(fn: string, x: Lengths, slot: (b: number) => number | undefined): void {
  if (!(x instanceof Int32Array)) return;
  x.forEach((used, b) => {
    const size = slot(b);
    if (used < 0 || (size !== undefined && used > size)) {
      fail(
        fn,
        `seqUsedK[${b}] must be from 0 to its slot's ${size ?? 'size'}`,
        String(used),
        'It counts the keys in use, cached and new.',
      );
    }
  });
}

/** Checks page ids if the host knows them and the used lengths; entries past the used length are ignored. */
export function checkPages(
  fn: string,
  table: Lengths,
  used: Lengths,
  { maxPages, pageSize, pages }: { maxPages: number; pageSize: number; pages: number },
): void {
  if (!(table instanceof Int32Array && used instanceof Int32Array)) return;
  used.forEach((length, b) => {
    for (let slot = 0; slot < Math.ceil(length / pageSize); slot++) {
      const page = table[b * maxPages + slot]!;
      if (page < 0 || page >= pages) {
        fail(
          fn,
          `blockTable[${b}][${slot}] must be a page from 0 to ${pages - 1}`,
          String(page),
          `seqUsedK[${b}] = ${length} reaches into it.`,
        );
      }
    }
  });
}
