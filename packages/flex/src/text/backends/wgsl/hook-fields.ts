import type { Hook } from '@heed/kernels-wgsl';
import { finite } from '../../ir/evaluate-operation.ts';
import type { ScalarSlot, TableSlot } from '../../ir/expression-node.ts';

type ParamField = Hook['params'][number];

/** The content of a uniform field of a compiled hook. */
type FieldSource =
  | { readonly kind: 'scalar'; readonly slot: ScalarSlot }
  /** The offset of the table's first element in `captures`, in elements of its dtype. */
  | { readonly kind: 'offset'; readonly slot: TableSlot }
  /** The last index along an axis, and the distance between neighbours in elements. */
  | { readonly kind: 'last' | 'stride'; readonly slot: TableSlot; readonly axis: number }
  /** The offset of the table's summary along an axis in `captures`, in words, or NO_SUMMARY. */
  | { readonly kind: 'summary'; readonly slot: TableSlot; readonly axis: number };

/** The offset of a table without a summary: nothing is known of its values. */
export const NO_SUMMARY = 0xffffffff;

/** A uniform field and its content. */
export interface HookField extends ParamField {
  readonly source: FieldSource;
}

/** The uniform fields of one hook, in order of first use. Their names are the hook's name and numbers. */
export class FieldList {
  readonly #prefix: string;
  readonly #fields = new Map<string, HookField>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  get all(): readonly HookField[] {
    return [...this.#fields.values()];
  }

  /** The text that reads a field. */
  read(source: FieldSource): string {
    const axis = 'axis' in source ? String(source.axis) : '';
    const name = `${this.#prefix}_${source.slot.kind}${source.slot.index}${suffix(source)}${axis}`;
    this.#fields.set(name, this.#fields.get(name) ?? { name, type: fieldType(source), source });
    return `params.${name}`;
  }
}

const suffix = ({ kind }: FieldSource): string => (kind === 'scalar' ? '' : `_${kind}`);

function fieldType(source: FieldSource): ParamField['type'] {
  if (source.kind === 'last') return 'i32';
  if (source.kind !== 'scalar' || source.slot.type === 'bool') return 'u32';
  return source.slot.type;
}

/** The layout of a captured tensor in the `captures` binding. Offset and strides are in elements of its dtype. */
export interface ShapedPlace {
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** The captured values of a call. */
export interface HookValues {
  /** Scalars and tables by the `capture` index of their slots. */
  readonly scalars: readonly (number | boolean)[];
  readonly tables: readonly ShapedPlace[];
  /** Word offsets of the summaries, by the names of their fields. */
  readonly summaries?: ReadonlyMap<string, number>;
}

/** Returns the values of a compiled hook's uniform fields, by name. */
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
