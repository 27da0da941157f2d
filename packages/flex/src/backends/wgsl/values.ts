import { finite } from '../../ir/infinity.ts';
import type { HookField } from './fields.ts';
import { NO_SUMMARY } from './summary.ts';

/** Where a captured tensor lies in the `captures` binding. Offset and strides are in elements of its dtype. */
export interface TablePlace {
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  /** Word offsets of its summaries by axis, where there are any. */
  readonly summaries?: readonly (number | undefined)[];
}

/** The values of a call: of scalars and tables by their `capture` index. */
export interface HookValues {
  readonly scalars: readonly (number | boolean)[];
  readonly tables: readonly TablePlace[];
}

/** The values of a compiled hook's uniform fields, by name. */
export function hookParams(
  fields: readonly HookField[],
  values: HookValues,
): Record<string, number> {
  return Object.fromEntries(fields.map((field) => [field.name, fieldValue(field, values)]));
}

function fieldValue({ source, type }: HookField, { scalars, tables }: HookValues): number {
  if (source.kind === 'scalar') {
    const value = Number(scalars[source.slot.capture]);
    return type === 'f32' ? finite(value) : value;
  }
  const place = tables[source.slot.capture]!;
  switch (source.kind) {
    case 'offset':
      return place.offset;
    case 'last':
      return place.shape[source.axis]! - 1;
    case 'stride':
      return place.strides[source.axis]!;
    default:
      return place.summaries?.[source.axis] ?? NO_SUMMARY;
  }
}
