import { finite } from '../../ir/infinity.ts';
import type { HookField } from './fields.ts';
import { NO_SUMMARY } from './summary.ts';

/** Where a captured tensor lies in the `captures` binding. Offset and strides are in elements of its dtype. */
export interface TablePlace {
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** The values of a call. */
export interface HookValues {
  /** Scalars and tables by the `capture` index of their slots. */
  readonly scalars: readonly (number | boolean)[];
  readonly tables: readonly TablePlace[];
  /** Word offsets of summaries, by the name of their field, where there are any. */
  readonly summaries?: ReadonlyMap<string, number>;
}

/** The values of a compiled hook's uniform fields, by name. */
export function hookParams(
  fields: readonly HookField[],
  values: HookValues,
): Record<string, number> {
  return Object.fromEntries(fields.map((field) => [field.name, fieldValue(field, values)]));
}

function fieldValue(
  { name, source, type }: HookField,
  { scalars, tables, summaries }: HookValues,
): number {
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
      return summaries?.get(name) ?? NO_SUMMARY;
  }
}
