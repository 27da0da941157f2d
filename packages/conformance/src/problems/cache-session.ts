import type { Gpu, PagedKvView, ReadArray, Tensor } from '@heed/core';
import { type CacheOptions, type KvSequence, PagedKvCache } from '@heed/kvcache';
import { type Check, holds, sameBits } from '../budget/output-checks.ts';
import { type NdArray, sliceAxis } from '../reference/nd-array.ts';
import { type FloatDType, toStorage } from '../reference/number-types.ts';
import { type Random, random } from '../reference/pseudo-random.ts';
import {
  type Angles,
  decodedRow,
  type Exact,
  rotatedRow,
  type StoredFormat,
  wantedRow,
} from '../reference/stored-rows.ts';
import { cumulative, normal } from './build-problem.ts';
import { place, type Placement, Scope, uploadArray } from './case-tensors.ts';
import { recordOutput } from './output-hashes.ts';

/** The options of a cache whose storage format is given. */
export interface SessionOptions extends CacheOptions {
  readonly dtype: StoredFormat;
}

/** The rows that a session appends. */
export interface Input {
  /** Storage type of the rows that are appended; default f32. */
  readonly rows?: FloatDType;
  readonly placement?: Placement;
  readonly angles?: Angles;
  /** Writes awkward values into the rows before they are appended. */
  readonly awkward?: (rows: NdArray) => void;
}

/** The rows that were appended for one token in one layer, by head, and its position. */
interface ModelRow {
  readonly position: number;
  readonly k: readonly Float32Array[];
  readonly v: readonly Float32Array[];
}

/** A sequence and the rows that it should hold, by layer. */
export interface Modelled {
  readonly sequence: KvSequence;
  readonly rows: ModelRow[][];
}

/** A cache with a model of its contents: one host array per appended row, neither shared nor quantised. */
export class Session {
  readonly scope: Scope;
  readonly cache: PagedKvCache;
  readonly #options: SessionOptions;
  readonly #input: Input;
  readonly #source: Random;
  readonly #tables: { cos: Tensor; sin: Tensor; interleaved: boolean } | undefined;

  private constructor(gpu: Gpu, cache: PagedKvCache, options: SessionOptions, input: Input) {
    this.scope = new Scope(gpu);
    this.cache = cache;
    this.#options = options;
    this.#input = input;
    this.#source = random(options.headDim);
    const { angles } = input;
    this.#tables = angles && {
      cos: uploadArray(this.scope, angles.cos, 'f32'),
      sin: uploadArray(this.scope, angles.sin, 'f32'),
      interleaved: angles.interleaved,
    };
  }

  /** Runs `body` with a new cache, and frees the cache. */
  static async with<T>(
    gpu: Gpu,
    options: SessionOptions,
    input: Input,
    body: (session: Session) => Promise<T>,
  ): Promise<T> {
    const session = new Session(gpu, await PagedKvCache.create(gpu, options), options, input);
    try {
      return await body(session);
    } finally {
      session.cache.dispose();
      session.scope.dispose();
    }
  }

  /** Opens a sequence. The prefix of `tokens` that the cache finds has the rows of `from`, which appended them. */
  open(tokens?: readonly number[], from?: Modelled): Modelled {
    const sequence = this.cache.open({ ...(tokens && { tokens }) });
    const rows = Array.from(
      { length: this.#options.layers },
      (_, layer) => from?.rows[layer]!.slice(0, sequence.cachedTokens) ?? [],
    );
    return { sequence, rows };
  }

  fork({ sequence, rows }: Modelled): Modelled {
    return { sequence: sequence.fork(), rows: rows.map((layer) => [...layer]) };
  }

  truncate({ sequence, rows }: Modelled, length: number): void {
    sequence.truncate(length);
    for (const layer of rows) layer.length = length;
  }

  keep({ sequence, rows }: Modelled, kept: readonly number[], from?: number): void {
    sequence.keep(kept, from === undefined ? {} : { from });
    for (const layer of rows) {
      const left = kept.map((row) => layer[row]!);
      layer.splice(from ?? 0, layer.length, ...left);
    }
  }

  /**
   * Appends `count` rows to each sequence, in every layer.
   * @param given positions of all rows; default: each sequence's next ones
   */
  append(list: readonly (readonly [to: Modelled, count: number])[], given?: Int32Array): void {
    const { kvHeads, headDim, headDimV = headDim, layers, sharedKv } = this.#options;
    const { rows: dtype = 'f32', placement = 'contiguous', awkward } = this.#input;
    const cuSeqlens = cumulative(list.map(([, count]) => count));
    const total = cuSeqlens.at(-1)!;
    const sequences = list.map(([{ sequence }]) => sequence);
    const positions =
      given ??
      Int32Array.from(
        list.flatMap(([{ sequence }, count]) =>
          Array.from({ length: count }, (_, i) => sequence.nextPosition + i),
        ),
      );
    for (let layer = 0; layer < layers; layer++) {
      const [k, values] = [headDim, headDimV].map((dim) => {
        const made = normal([total, kvHeads, dim], this.#source, dtype);
        awkward?.(made);
        made.data.forEach((x, i) => (made.data[i] = toStorage(x, dtype)));
        return made;
      }) as [NdArray, NdArray];
      const v = sharedKv ? sliceAxis(k, 2, 0, headDimV) : values;
      const keys = place(this.scope, k, dtype, placement);
      const own = sharedKv ? undefined : place(this.scope, v, dtype, placement);
      const rotary = this.#tables && {
        rotary: { ...this.#tables, ...(given && { positions: given }) },
      };
      this.cache.append(layer, sequences, keys, own, { cuSeqlens, ...rotary });
      list.forEach(([{ rows }], b) => {
        for (let t = cuSeqlens[b]!; t < cuSeqlens[b + 1]!; t++) {
          rows[layer]!.push({ position: positions[t]!, k: headsOf(k, t), v: headsOf(v, t) });
        }
      });
    }
  }

  /** Returns the numbers that should be stored for a row, by head. */
  exact(x: 'k' | 'v', row: ModelRow): Exact[] {
    const { angles } = this.#input;
    return row[x].map((numbers) =>
      angles && x === 'k' ? rotatedRow(numbers, row.position, angles) : { numbers },
    );
  }

  /** Checks that every row in the block tables of these sequences holds what was appended, except rows that the window released. */
  async rowsAreRight(label: string, list: readonly Modelled[]): Promise<Check[]> {
    const checks: Check[] = [];
    for (let layer = 0; layer < this.#options.layers; layer++) {
      const view = this.cache.view(
        layer,
        list.map(({ sequence }) => sequence),
      );
      const [pages, used] = await Promise.all([view.blockTable.read(), view.seqUsedK.read()]);
      const counts = list.map(({ rows }) => rows[layer]!.length);
      const [got, want] = [[...used].join(', '), counts.join(', ')];
      checks.push(holds(`${label}: lengths`, got === want, `${got}, not ${want}`));
      for (const x of ['k', 'v'] as const) {
        const pool = await view[x].read();
        const [, maxPages] = view.blockTable.shape as [number, number];
        list.forEach(({ rows }, b) => {
          const table = pages.subarray(b * maxPages, (b + 1) * maxPages);
          const name = `${label}: ${x} of sequence ${b}, layer ${layer}`;
          checks.push(this.#rowsOf(name, x, rows[layer]!, { view, pool, table }));
        });
      }
    }
    return checks;
  }

  #rowsOf(
    label: string,
    x: 'k' | 'v',
    rows: readonly ModelRow[],
    { view, pool, table }: { view: PagedKvView; pool: ReadArray; table: ArrayLike<number> },
  ): Check {
    const { dtype, window = Infinity, sinkTokens = 0, kvHeads } = this.#options;
    const width = view[x].shape[3]!;
    const got: number[] = [];
    const want: number[] = [];
    const read = pool.slice();
    let length = 0;
    rows.forEach((row, j) => {
      const page = table[Math.floor(j / view.pageSize)]!;
      if (page === 0 && j < rows.length - window && j >= sinkTokens) return;
      const slot = page * view.pageSize + (j % view.pageSize);
      this.exact(x, row).forEach((exact, h) => {
        const at = (slot * kvHeads + h) * width;
        const elements = pool.subarray(at, at + width);
        read.set(elements, length);
        length += width;
        const stored = decodedRow(dtype, elements);
        got.push(...stored);
        want.push(...wantedRow(dtype, stored, exact));
      });
    });
    recordOutput(view.k.gpu, `${x} rows`, read.subarray(0, length));
    const array = (data: readonly number[]): NdArray => ({
      shape: [data.length],
      data: Float64Array.from(data),
    });
    return sameBits(label, array(got), array(want));
  }
}

function headsOf({ shape, data }: NdArray, t: number): Float32Array[] {
  const [, heads, dim] = shape as [number, number, number];
  return Array.from({ length: heads }, (_, h) =>
    Float32Array.from(data.subarray((t * heads + h) * dim, (t * heads + h + 1) * dim)),
  );
}

/** Returns the rows that sequences should hold in the first layer, sequence after sequence: [T, Hkv, D]. */
export function packedRows(x: 'k' | 'v', list: readonly Modelled[]): NdArray {
  const rows = list.flatMap((one) => one.rows[0]!.map((row) => row[x]));
  const [kvHeads, dim] = [rows[0]!.length, rows[0]![0]!.length];
  const data = new Float32Array(rows.length * kvHeads * dim);
  rows.flat().forEach((row, i) => data.set(row, i * dim));
  return { shape: [rows.length, kvHeads, dim], data };
}
