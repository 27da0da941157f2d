import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { table } from '../../problems/host-tables.ts';
import { type FlexProblem, mods, withMods } from '../../problems/launch-flex.ts';
import { type ListSpec, withLists } from '../../problems/selected-problem.ts';
import { extent } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { permutation } from '../../reference/pseudo-random.ts';
import type { ReferenceOptions, ReferenceProblem } from '../../reference/reference-problem.ts';

/** Heads and head dim of the cases of selected keys, which therefore share kernels. */
export const base = { heads: [4, 2], dim: 16 } as const;

export type Build = (dtype: FloatDType, options: ReferenceOptions) => ReferenceProblem;

/**
 * One problem per layout for lists of selected keys, with keys beyond the length in use. The packed one has sequences without rows
 * or keys; it and the paged one have rows outside every sequence. The sequences of the paged one start with the same pages.
 */
export const layouts: Readonly<Record<'dense' | 'packed' | 'paged', Build>> = {
  dense: (dtype, options) =>
    denseProblem({ ...base, dtype, batch: 2, lq: 5, lk: 70, seqUsedK: [70, 41], options }),
  packed: (dtype, options) =>
    packedProblem({
      ...base,
      dtype,
      qLens: [3, 0, 4, 2],
      kLens: [70, 5, 37, 0],
      spareRows: [2, 3],
      options,
    }),
  paged: (dtype, options) =>
    pagedProblem({
      ...base,
      dtype,
      qLens: [3, 2],
      used: [70, 41],
      pageSize: 7,
      pages: 'shared',
      spareRows: 1,
      options,
    }),
};

/** A list per kv head, with room for every key of these problems. */
export const perKvHead: ListSpec = { heads: 2, entries: 75 };

/** Returns a problem with lists of distinct keys, and one whose maskMod reads the same choice from a table. */
export function listedAndMasked(
  dtype: FloatDType,
): readonly [listed: ReferenceProblem, masked: FlexProblem] {
  const plain = denseProblem({ ...base, dtype, batch: 2, lq: 5, lk: 70 });
  const spec = { heads: 1, entries: 40 };
  const listed = withLists(plain, spec, (list, keys, source) => {
    const order = permutation(keys, source);
    list.forEach((_, n) => (list[n] = n % 9 === 4 ? -1 : order[n]!));
  });
  const { shape, data } = listed.options.selectedKeys!;
  const chosen = new Set(
    [...data].map((key, at) => `${Math.floor(at / (5 * 40))} ${Math.floor(at / 40) % 5} ${key}`),
  );
  const [batch, lk] = [shape[0]!, extent(plain.k, 2)];
  const shown = table([batch, 5, lk], 'i32', (flat) => {
    const [b, q, kv] = [Math.floor(flat / (5 * lk)), Math.floor(flat / lk) % 5, flat % lk];
    return chosen.has(`${b} ${q} ${kv}`) ? 1 : 0;
  });
  const masked = withMods(plain, (given) =>
    mods({
      maskMod: (b, h, q, kv, c) => c.shown[b]![q - c.shift]![kv]! > 0,
      captures: { shown: given(shown), shift: lk - 5 },
    }),
  );
  return [listed, masked];
}
