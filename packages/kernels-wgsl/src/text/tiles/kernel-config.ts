import type { Cascade } from '../parts/cascade.wgsl.ts';
import type { ScoreHook, VariantHooks } from '../parts/hook.ts';
import type {
  FloatType,
  GradientOf,
  KeyKind,
  KeyType,
  LengthKind,
  ReadAccess,
  RowKind,
  WriteAccess,
} from '../parts/kinds.ts';

/** A tile of a path; the path defines the other fields. */
export interface AnyTile {
  readonly path: string;
}

/** Everything that a forward kernel's WGSL depends on. Lengths, strides and option values are data of a run. */
export interface ForwardConfig {
  readonly qType: FloatType;
  /** Of k, and of v unless `vType` says otherwise. */
  readonly kvType: KeyType;
  /** Of v, where it is not that of k. */
  readonly vType?: KeyType;
  readonly outType: FloatType;
  /** Dqk. */
  readonly headDim: number;
  /** Dv. */
  readonly headDimV: number;
  readonly lengths: LengthKind;
  readonly keys: KeyKind;
  /** Number of keys that an entry of a row's list of selected keys names; 0 if rows see keys without such a list. */
  readonly selectedBlock: number;
  readonly read: ReadAccess;
  readonly write: WriteAccess;
  readonly rows: RowKind;
  /** v is the first columns of k in memory, and the kernel reads them once. Absent for kernels that read both. */
  readonly sharedKv?: true;
  /** The kernel is a pass over sequences that begin with the same pages. */
  readonly cascade?: Cascade;
  readonly hooks: VariantHooks;
  readonly tile: AnyTile;
}

/** The fields of a config that determine its key tiles. */
export type KeyTiles = Pick<ForwardConfig, 'hooks' | 'selectedBlock' | 'cascade'>;

/** Returns a canonical name: two configs have the same key iff they are equal. */
export function forwardKey(c: ForwardConfig): string {
  return [
    `q=${c.qType} kv=${c.kvType}${c.vType ? ` v=${c.vType}` : ''} out=${c.outType}`,
    `d=${c.headDim} dv=${c.headDimV}`,
    keysName(c),
    `read=${c.read} write=${c.write}`,
    `rows=${c.rows}${c.sharedKv ? ' shared' : ''}${c.cascade ? ` ${c.cascade.pass}=${c.cascade.sums}` : ''}`,
    `hooks=${c.hooks.key}`,
    Object.entries(c.tile)
      .map(([k, v]) => `${k}=${v}`)
      .join(' '),
  ].join(' | ');
}

const keysName = ({
  lengths,
  keys,
  selectedBlock,
}: Pick<ForwardConfig, 'lengths' | 'keys' | 'selectedBlock'>): string =>
  `${lengths} ${keys}${selectedBlock > 0 ? ` selected=${selectedBlock}` : ''}`;

/** Everything that a backward kernel's WGSL depends on. */
export interface BackwardConfig extends Pick<
  ForwardConfig,
  | 'qType'
  | 'kvType'
  | 'headDim'
  | 'headDimV'
  | 'lengths'
  | 'keys'
  | 'selectedBlock'
  | 'read'
  | 'rows'
  | 'hooks'
> {
  readonly of: GradientOf;
  /** For gradients of tables: the score hooks whose tables get one. */
  readonly collects?: readonly ScoreHook[] | undefined;
  /** Dtype of the gradients: their inputs' dtype, or f32 if they are summed afterwards. */
  readonly resultType: FloatType;
  readonly write: WriteAccess;
  readonly tile: AnyTile;
}

/** Returns a canonical name: two configs have the same key iff they are equal. */
export function backwardKey(c: BackwardConfig): string {
  return [
    `d${c.collects?.map(({ name }) => name).join('+') ?? c.of} q=${c.qType} kv=${c.kvType} result=${c.resultType}`,
    `d=${c.headDim} dv=${c.headDimV}`,
    keysName(c),
    `read=${c.read} write=${c.write}`,
    ...(c.rows === 'group' ? ['rows=group'] : []),
    `hooks=${c.hooks.key}`,
    Object.entries(c.tile)
      .map(([k, v]) => `${k}=${v}`)
      .join(' '),
  ].join(' | ');
}
