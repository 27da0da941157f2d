import { gradientWorkgroups, tileShape } from '@heed/kernels-wgsl/variant';

/** The kernels that loop over tiles. */
type KernelKind = 'forward' | 'dq' | 'dkv' | 'dtables';

/** What a kernel of heed computes per turn of its loop, as its label says. */
export interface KernelFacts {
  readonly kind: KernelKind;
  /** Query rows and keys of a tile. */
  readonly rows: number;
  readonly keys: number;
  /** Dqk and Dv. */
  readonly headDim: number;
  readonly headDimV: number;
  readonly isDecode: boolean;
  /** Whether dk and dv have a workgroup each. The loop is then that of dk, which has more products. */
  readonly isApart: boolean;
  readonly path: string;
}

/** Returns the facts of a label such as `heed/forward q=f16 … | d=128 dv=128 | … | path=portable threadsM=8 …`; undefined for a helper. */
export function factsOfLabel(label: string): KernelFacts | undefined {
  const kind = kindOf(label);
  const tile = tileOf(label);
  if (kind === undefined || tile === undefined) return undefined;
  const { tileM, tileN } = tileShape(tile);
  const [rows, keys] = kind === 'dkv' ? [tileN, tileM] : [tileM, tileN];
  const dim = (name: string): number => Number(new RegExp(` ${name}=(\\d+)`).exec(label)?.[1]);
  const isDecode = label.includes(' rows=group ');
  const dims = { headDim: dim('d'), headDimV: dim('dv') };
  const isApart = kind === 'dkv' && gradientWorkgroups({ of: 'kv', tile, ...dims }) > 1;
  return { kind, rows, keys, ...dims, isDecode, isApart, path: tile.path };
}

function kindOf(label: string): KernelKind | undefined {
  if (label.startsWith('heed/forward ')) return 'forward';
  return /^heed\/backward (dq|dkv|dtables) /.exec(label)?.[1] as KernelKind | undefined;
}

/** Returns the tile with which a label ends: `path=… name=value …`. */
function tileOf(label: string): { readonly path: string } | undefined {
  const text = /(?:^| )(path=.*)$/.exec(label)?.[1];
  if (text === undefined) return undefined;
  const fields = text.split(' ').map((field) => field.split('=') as [string, string]);
  return Object.fromEntries(fields.map(([name, value]) => [name, valueOf(value)])) as {
    readonly path: string;
  };
}

function valueOf(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}

/** Returns the multiply-adds that a workgroup needs per tile: rows × keys × the head dims of its products. */
export function multiplyAdds(facts: KernelFacts): number {
  const { kind, rows, keys, headDim, headDimV, isApart } = facts;
  const perPair: Record<KernelKind, number> = {
    forward: headDim + headDimV,
    dq: 2 * headDim + headDimV,
    dkv: 2 * headDim + (isApart ? headDimV : 2 * headDimV),
    dtables: headDim + headDimV,
  };
  return rows * keys * perPair[kind];
}
