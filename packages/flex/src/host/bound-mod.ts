import type { Gpu, Tensor } from '@heed/core';
import { bindTensor, checkTensor, elementCount, formatShape, threadGrid } from '@heed/core/kernel';
import {
  type BoundHook,
  type DerivedWords,
  fail,
  type TablePlace,
} from '@heed/kernels-wgsl/variant';
import { summaryShape } from '../text/backends/wgsl/captured-tables.ts';
import {
  type HookField,
  hookParams,
  type HookValues,
  type ShapedPlace,
} from '../text/backends/wgsl/hook-fields.ts';
import { summarySource } from '../text/kernels/table-summary.wgsl.ts';
import { hookOf, type ResolvedMod, type Role } from './compiled-hook.ts';

/**
 * Binds the captures of one call to a mod's hook.
 * @throws ValidationError a captured table is no tensor of this Gpu, or has no element
 */
export function boundMod(
  fn: string,
  gpu: Gpu,
  role: Role,
  { mod, resolution }: ResolvedMod,
): BoundHook {
  const hook = hookOf(mod, role);
  const tables = mod.tables.map(({ name, capture }) => {
    return { capture, tensor: checkTable(fn, gpu, name, resolution.tables[capture]) };
  });
  // A block mask already has the classes of its blocks. Tighter classes of tiles are not worth a pass over the tables.
  const summaries = role === 'block' ? [] : hook.params.filter(isSummary);
  const sources = summaries.map(({ source: { slot, axis } }) =>
    tableSummary(tables[slot.index]!.tensor, axis),
  );
  const hookValues = (places: readonly TablePlace[]): HookValues => ({
    scalars: resolution.scalars,
    tables: tablePlaces(tables, places),
    summaries: new Map(summaries.map(({ name }, i) => [name, places[tables.length + i]!.offset])),
  });
  return {
    hook,
    tables: [...tables.map(({ tensor }) => tensor), ...sources],
    values: (places) => hookParams(hook.params, hookValues(places)),
    ...(hook.kind === 'score' && {
      gradientValues: (places) => hookParams(hook.gradient.params, hookValues(places)),
    }),
  };
}

type SummaryField = HookField & { readonly source: { readonly kind: 'summary' } };

const isSummary = (field: HookField): field is SummaryField => field.source.kind === 'summary';

/** Returns the offsets of the tables in use, by capture index. */
function tablePlaces(
  tables: readonly { readonly capture: number; readonly tensor: Tensor }[],
  places: readonly TablePlace[],
): ShapedPlace[] {
  const byCapture: ShapedPlace[] = [];
  tables.forEach(({ capture, tensor: { shape } }, i) => {
    byCapture[capture] = { ...places[i]!, shape };
  });
  return byCapture;
}

function checkTable(fn: string, gpu: Gpu, name: string, table: unknown): Tensor {
  const label = `captures.${name}`;
  const tensor = checkTensor(fn, label, table, { gpu });
  if (elementCount(tensor.shape) > 0) return tensor;
  const fix = 'An index clamps to the last element, so there must be one.';
  return fail(fn, `${label} must have an element`, `shape ${formatShape(tensor.shape)}`, fix);
}

const MAX_RANK = 4;

/** Computes the least and the largest element of each block along an axis of a table, for the bounds of masks that read the table. */
function tableSummary(table: Tensor, axis: number): DerivedWords {
  const { rows, blocks, words: count } = summaryShape(table.shape, axis);
  const others = (values: readonly number[], filler: number): number[] => [
    ...Array.from({ length: MAX_RANK - values.length }, () => filler),
    ...values.with(axis, filler),
  ];
  return {
    count,
    write: (target, words, first) => {
      const { range, elementOffset } = bindTensor(table);
      const { shape, strides } = table;
      const head = [rows, blocks, elementOffset, first, shape[axis]!, strides[axis]!, 0, 0];
      const params = Uint32Array.of(...head, ...others(shape, 1), ...others(strides, 0));
      target.dispatch({
        source: summarySource(table.dtype),
        prepares: true,
        buffers: [range, bindTensor(words).range],
        params,
        workgroups: threadGrid(target.gpu, rows * blocks),
      });
    },
  };
}
