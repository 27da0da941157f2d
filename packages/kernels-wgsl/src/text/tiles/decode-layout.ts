import { bracketed, each, plus } from '../parts/repeat.ts';
import { packedRead, type PackedRead } from '../parts/row-access.wgsl.ts';
import { DECODE_THREADS, decodeShape, type DecodeTile, laneVecs } from './decode-tile.ts';
import type { ForwardConfig } from './kernel-config.ts';

/** One of k and v: how its rows are spread over the lanes of a team. */
export interface Side {
  readonly name: 'k' | 'v';
  /** Whose loads have its elements: k's if v is the first columns of k. */
  readonly loaded: 'k' | 'v';
  readonly dim: number;
  readonly read: PackedRead;
  /** Loads per lane and row. */
  readonly loads: number;
  /** Vectors of four elements per lane and row. */
  readonly vecs: number;
}

/** The sizes that the text is made of. */
export interface Decode {
  readonly config: ForwardConfig;
  readonly tile: DecodeTile;
  readonly k: Side;
  readonly v: Side;
  readonly teams: number;
  readonly tileN: number;
  /** Scores that a thread finishes, and the threads that share a query row. */
  readonly scores: number;
  readonly columns: number;
  /** Neighbouring threads that own the same rows several times over and can shuffle, or one of each row. */
  readonly block: number;
  /** The rows' products of one key fill `groups` vectors of `width`. */
  readonly width: number;
  readonly groups: number;
  /** Whether keys come from a list. */
  readonly isSelected: boolean;
  /** Whether q is rounded to integers, too, and multiplied by k's as they are. */
  readonly hasIntegers: boolean;
}

export function layoutOf(config: ForwardConfig, tile: DecodeTile): Decode {
  const side = (name: 'k' | 'v', dim: number, loaded = name): Side => {
    const type = (loaded === 'v' && config.vType) || config.kvType;
    const read = packedRead(loaded, type, config.read);
    const vecs = laneVecs(dim, read.elements, tile);
    return { name, loaded, dim, read, vecs, loads: (vecs * 4) / read.elements };
  };
  const { tileN } = decodeShape(tile);
  const width = Math.min(tile.rows, 4);
  return {
    config,
    tile,
    k: side('k', config.headDim),
    v: side('v', config.headDimV, config.sharedKv ? 'k' : 'v'),
    teams: DECODE_THREADS / tile.lanes,
    tileN,
    scores: Math.ceil((tileN * tile.rows) / DECODE_THREADS),
    columns: DECODE_THREADS / tile.rows,
    block: Math.max(tile.rows, tile.shuffled),
    width,
    groups: tile.rows / width,
    isSelected: config.selectedBlock > 0,
    hasIntegers: tile.path === 'integers',
  };
}

export const ownRow = ({ tile }: Decode): string =>
  tile.rows === 1 ? '0u' : `thread % ${tile.rows}u`;

/** Returns the type of the products of a key with `width` rows. */
export function productType({ width, hasIntegers }: Decode): string {
  const element = hasIntegers ? 'i32' : 'f32';
  return width === 1 ? element : `vec${width}<${element}>`;
}

/** Returns the first element of a lane's load, or of its second half. */
export function elementOf({ tile }: Decode, { read }: Side, load: number, half = 0): string {
  const { elements } = read;
  return plus(`lane * ${elements}u`, load * tile.lanes * elements + half * 4);
}

/** Whether the lanes' loads are exactly a row. Otherwise the loads beyond it repeat its last elements. */
export const isExact = ({ tile }: Decode, { dim, vecs }: Side): boolean =>
  vecs * 4 * tile.lanes === dim;

/** Returns the last element at which a load of a row may begin. */
export const lastOf = (dim: number, elements: number): number =>
  Math.floor((dim - 1) / elements) * elements;

/** Returns the vectors of a row that was loaded, and the text that declares them where they must be unpacked first. */
export function unpacked(
  { name, loaded: from, read, loads }: Side,
  i: number,
): { text: string[]; names: string[] } {
  const loaded = each(loads)((c) => `${from}${i}_${c}`);
  const vectors = loaded.flatMap((one) => read.vectors(one));
  if (vectors.every((vector, n) => vector === loaded[n])) return { text: [], names: vectors };
  const names = vectors.map((_, x) => `${name}${i}_vec${x}`);
  return { text: vectors.map((vector, n) => `let ${names[n]} = ${vector};`), names };
}

/** Returns the place of key i of the team in an array of `stride` values per key. */
export const placeOf = ({ teams }: Decode, i: number, stride: number, n: number): string => {
  const key = stride === 1 ? plus('team', i * teams) : bracketed('team', i * teams);
  return plus(stride === 1 ? key : `${key} * ${stride}u`, n);
};
