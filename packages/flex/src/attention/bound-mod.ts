import type { Gpu, Tensor } from '@heed/core';
import { checkTensor, elementCount, formatShape } from '@heed/core/kernel';
import { type BoundHook, fail, type TablePlace } from '@heed/kernels-wgsl/variant';
import type { HookField } from '../backends/wgsl/fields.ts';
import {
  hookParams,
  type HookValues,
  type TablePlace as ShapedPlace,
} from '../backends/wgsl/values.ts';
import { tableSummary } from '../summary/summary.ts';
import { hookOf, type ResolvedMod, type Role } from './compiled-hook.ts';

/**
 * The hook of a mod with the captures of one call.
 * @throws ValidationError a captured table that is no tensor of this Gpu, or has no element
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
  // A block mask has its classes already; what bounds add to that is not worth a pass over the tables.
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

/** Places by capture index, from those of the tables in use. */
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
