import { wgsl } from '@heed/core/kernel';
import { choose, each, plus } from '../parts/repeat.ts';
import type { EachScore, TileScore } from '../parts/score-chain.wgsl.ts';
import type { KeyTiles } from './kernel-config.ts';
import type { Diagonals } from './subgroup-diagonals.wgsl.ts';
import { keyLanes, type SubgroupTile } from './subgroup-tile.ts';

/** Vectors that the lanes own and broadcast. `name` is the tensor read; `row<g>` and `used<g>` are in scope. */
export interface Shown {
  readonly name: string;
  /** Number of elements of a vector. */
  readonly dim: number;
  /** Parameter that holds the number of vec4 in it. */
  readonly vecs: string;
  /** Factor by which they are multiplied as they are read. */
  readonly factor?: string;
}

/** Name of a score that a lane holds: of its own row r and broadcast vector n. */
export const score = (name: string, r: number, n: number): string => `${name}${r}_${n}`;

// Vector n of the tile is owned by lane n mod `lanes`, with index n div `lanes` there.
export function broadcast(tile: SubgroupTile, name: string, n: number, own = 'own'): string {
  const lanes = keyLanes(tile);
  const read = tile.branches ? 'subgroupShuffle' : 'subgroupBroadcast';
  return `let ${name}${n} = ${read}(${own}${Math.floor(n / lanes)}, ${n % lanes}u);`;
}

// Rows beyond the sequence are not read, because they may hold anything.
const loadOwn = ({ name, factor }: Shown, g: number): string => wgsl`
  var own${g} = vec4<f32>();
  if (used${g}) {
    own${g} = read_${name}(${name}_row${g}, d * 4u)${factor};
  }
`;

type Repeat = ReturnType<typeof each>;

/** Returns repetitions over a lane's rows, its own vectors, and all vectors of a tile. */
export function repeats(tile: SubgroupTile): Readonly<Record<'rows' | 'owned' | 'shown', Repeat>> {
  const { rowsPerLane, keysPerLane } = tile;
  return {
    rows: each(rowsPerLane),
    owned: each(keysPerLane),
    shown: each(keyLanes(tile) * keysPerLane),
  };
}

/** Loops over the broadcast vectors, with a statement for each of a row's elements. */
export function pass(
  tile: SubgroupTile,
  vectors: Shown,
  texts: {
    readonly before?: string | readonly string[];
    readonly each: (r: number, n: number, vector: string) => string;
    /** Arrays whose element d is set to `<name>_d` afterwards; each has as many vec4 as a broadcast vector. */
    readonly results?: readonly string[];
  },
): string {
  const { rows, owned, shown } = repeats(tile);
  const { name, vecs, dim } = vectors;
  const { before, results = [] } = texts;
  const store = (d: number | string): string =>
    results.map((result) => `${result}[${d}] = ${result}_d;`).join('\n');
  return wgsl`
    for (var d = 0u; d < ${vecs}; d++) {
      ${owned((g) => loadOwn(vectors, g))}
      ${before}
      ${shown(
        (n) => wgsl`
          ${broadcast(tile, name, n)}
          ${rows((r) => texts.each(r, n, `${name}${n}`))}
        `,
      )}
      ${tile.branches && results.length > 0 ? choose('d', Math.ceil(dim / 4), store) : store('d')}
    }
  `;
}

/** Computes `<sum>r_n = row r of <own> · vector n`. */
export function dots(tile: SubgroupTile, sum: string, own: string, shown: Shown): string {
  const { rows, shown: all } = repeats(tile);
  return wgsl`
    ${rows((r) => all((n) => `var ${score(sum, r, n)} = 0.0;`))}
    ${pass(tile, shown, {
      before: rows((r) => `let ${own}${r}_d = ${own}${r}[d];`),
      each: (r, n, vector) => `${score(sum, r, n)} += dot(${own}${r}_d, ${vector});`,
    })}
  `;
}

/** Computes `<sum>r = <sum>r · factor + Σ weights r_n · vector n`. */
export function sums(
  tile: SubgroupTile,
  sum: string,
  weights: string,
  shown: Shown,
  factor: (r: number) => string = () => '',
): string {
  const { rows } = repeats(tile);
  return pass(tile, shown, {
    before: rows((r) => `var ${sum}${r}_d = ${sum}${r}[d]${factor(r)};`),
    each: (r, n, vector) => `${sum}${r}_d += ${score(weights, r, n)} * ${vector};`,
    results: rows((r) => `${sum}${r}`),
  });
}

/**
 * Repeats a statement for every score. A long statement is written for one group of broadcast vectors, in a loop that
 * rotates the groups through it and ends with each group back in its registers.
 * @param arrays the names of the scores, and of their derivatives if there are any
 * @param where the row, the key and more of a score whose vector has number `first` + n
 * @param prepare text before the statements of a vector
 */
export function eachScore(
  tile: SubgroupTile,
  arrays: readonly [scores: string, scoreDerivatives?: string],
  first: string,
  where: (r: number, first: string, n: number) => Omit<TileScore, 'score' | 'scoreDerivative'>,
  prepare: (first: string, n: number) => string = () => '',
): EachScore {
  const [names, scoreDerivatives = names] = arrays;
  const { keysPerLane } = tile;
  const lanes = keyLanes(tile);
  const { rows } = repeats(tile);
  const rest = lanes * (keysPerLane - 1);
  const rotate = (name: string): readonly string[] => [
    ...rows((r) => each(lanes)((n) => `let done_${score(name, r, n)} = ${score(name, r, n)};`)),
    ...rows((r) => each(rest)((n) => `${score(name, r, n)} = ${score(name, r, n + lanes)};`)),
    ...rows((r) => each(lanes)((n) => `${score(name, r, rest + n)} = done_${score(name, r, n)};`)),
  ];
  return (statement, isLong) => {
    const statements = (count: number, start: string): readonly string[] =>
      each(count)((n) => [
        prepare(start, n),
        ...rows((r) => {
          const called = {
            score: score(names, r, n),
            scoreDerivative: score(scoreDerivatives, r, n),
          };
          return statement({ ...called, ...where(r, start, n) });
        }),
      ]).filter((text) => text !== '');
    if (!isLong || keysPerLane === 1) return statements(lanes * keysPerLane, first).join('\n');
    return wgsl`
      for (var turn = 0u; turn < params.key_turns; turn++) {
        let turn_first = ${first} + turn * ${lanes}u;
        ${statements(lanes, 'turn_first')}
        ${[...new Set([names, scoreDerivatives])].map((name) => rotate(name))}
      }
    `;
  };
}

/** Returns the first key of a tile of query rows, or the first entry of their list. */
export const firstOf = ({ selectedBlock }: KeyTiles): string =>
  selectedBlock > 0 ? 'first_entry' : 'first_key';

/** Returns the row and key of a score in a tile of query rows, where the rows are the lane's own. */
export const keyAt =
  (config: KeyTiles, diagonals?: Diagonals) =>
  (r: number, first: string, n: number): Omit<TileScore, 'score' | 'scoreDerivative'> => ({
    row: `row${r}`,
    key: keyOf(config, first, n),
    ...diagonals?.of(r, n),
  });

/** Returns the key of vector `first` + n. In a loop over groups of vectors, that of a selected vector is looked up again. */
export function keyOf(config: KeyTiles, first: string, n: number): string {
  if (config.selectedBlock === 0) return `i32(${plus(first, n)})`;
  return first === firstOf(config) ? `named${n}` : `selected_key(work, ${plus(first, n)})`;
}
