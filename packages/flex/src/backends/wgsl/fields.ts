import type { Hook } from '@heed/kernels-wgsl';
import type { ScalarSlot, TableSlot } from '../../ir/slot.ts';

export type ParamField = Hook['params'][number];

/** What a uniform field of a compiled hook holds. */
export type FieldSource =
  | { readonly kind: 'scalar'; readonly slot: ScalarSlot }
  /** Where the table's first element lies in `captures`, in elements of its dtype. */
  | { readonly kind: 'offset'; readonly slot: TableSlot }
  /** The last index along an axis, and the distance between neighbours in elements. */
  | { readonly kind: 'last' | 'stride'; readonly slot: TableSlot; readonly axis: number }
  /** Where the table's summary along an axis lies in `captures`, in words, or NO_SUMMARY; see summary.ts. */
  | { readonly kind: 'summary'; readonly slot: TableSlot; readonly axis: number };

/** A uniform field and what it holds. */
export interface HookField extends ParamField {
  readonly source: FieldSource;
}

/** The uniform fields of one hook, in order of first use. Their names are the hook's, and numbers. */
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
