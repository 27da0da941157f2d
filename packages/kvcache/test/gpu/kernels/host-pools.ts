import type { DType, Gpu, PageFormat, Tensor } from '@heed/core';
import { type FloatType, isHalf, packHalves, unpackHalves } from '@heed/core/kernel';
import type { Rng } from '@heed/testing';
import { kvRowWords, type PageGeometry, pageWords } from '../../../src/pages/page-geometry.ts';
import { type Pool, tryCreatePools } from '../../../src/kernels/page-pools.ts';
import { type CacheLayout, layOut } from '../../../src/pages/page-layout.ts';

const SENTINEL = 0xdeadbeef;

/** Returns a geometry, of one layer by default. */
export const geometryOf = (
  format: PageFormat,
  [headDim, headDimV]: readonly [number, number],
  [pageSize, kvHeads]: readonly [number, number],
  layers = 1,
): PageGeometry => ({ layers, kvHeads, headDim, headDimV, pageSize, format });

/** A number that some step could get wrong, or else a normal one. */
const special = [0, -0, NaN, Infinity, -Infinity, 65520, -65519.99, 2 ** -24, 2 ** -25, 1e-40];

export function awkwardNumbers(rng: Rng, count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, () =>
    rng.next() < 0.2 ? special[rng.int(0, special.length - 1)]! : rng.normal(),
  );
}

/** Memory layouts of rows. */
export type Layout = 'dense' | 'inside' | 'transposed';

/** Uploads new rows [tokens, heads, dim]; returns them with their stored numbers, row-major. */
export interface Rows {
  readonly tensor: Tensor;
  readonly numbers: Float32Array;
}

export function rowsOf(
  gpu: Gpu,
  numbers: Float32Array<ArrayBuffer>,
  [tokens, heads, dim]: readonly [number, number, number],
  dtype: DType,
  layout: Layout = 'dense',
): Rows {
  const stored = rounded(dtype, numbers);
  const at = (t: number, h: number, d: number): number => stored[(t * heads + h) * dim + d]!;
  const make = (shape: number[], value: (i: number[]) => number): Tensor => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    data.forEach((_, n) => {
      data[n] = value(coordinates(n, shape));
    });
    return gpu.tensor(data, { shape, dtype });
  };
  if (layout === 'dense') {
    return { tensor: make([tokens, heads, dim], ([t, h, d]) => at(t!, h!, d!)), numbers: stored };
  }
  if (layout === 'inside') {
    // Head first, in the middle of longer rows.
    const outer = make([heads, tokens, dim + 3], ([h, t, d]) =>
      d! >= 1 && d! <= dim ? at(t!, h!, d! - 1) : 99,
    );
    return { tensor: outer.slice(2, 1, dim + 1).permute([1, 0, 2]), numbers: stored };
  }
  const turned = make([dim, tokens, heads], ([d, t, h]) => at(t!, h!, d!));
  return { tensor: turned.permute([1, 2, 0]), numbers: stored };
}

function coordinates(flat: number, shape: readonly number[]): number[] {
  let rest = flat;
  return shape
    .toReversed()
    .map((n) => {
      const i = rest % n;
      rest = Math.floor(rest / n);
      return i;
    })
    .toReversed();
}

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

export function bitsOf(x: number): number {
  f32[0] = x;
  return u32[0]!;
}

export function floatOf(bits: number): number {
  u32[0] = bits;
  return f32[0]!;
}

/** Returns numbers as a type holds them. */
export function rounded(dtype: DType, numbers: Float32Array): Float32Array {
  return isHalf(dtype) ? unpackHalves(packHalves(numbers, dtype), dtype) : numbers;
}

/** Words of a row of floats. */
export function floatRow(format: FloatType, numbers: ArrayLike<number>): number[] {
  const all = Array.from(numbers);
  if (format === 'f32') return all.map(bitsOf);
  const halves = packHalves(all, format);
  return Array.from({ length: Math.ceil(all.length / 2) }, (_, w) => {
    return (halves[2 * w]! | ((halves[2 * w + 1] ?? 0) << 16)) >>> 0;
  });
}

/** The words of a pool on the host. */
export class HostPool {
  readonly words: Uint32Array<ArrayBuffer>;
  readonly #row: number;
  readonly #heads: number;

  constructor(geometry: PageGeometry, x: 'k' | 'v', pages: number) {
    this.words = new Uint32Array(pages * pageWords(geometry)[x]).fill(SENTINEL);
    this.#row = kvRowWords(geometry)[x];
    this.#heads = geometry.kvHeads;
  }

  row(slot: number, head: number): Uint32Array {
    const at = (slot * this.#heads + head) * this.#row;
    return this.words.subarray(at, at + this.#row);
  }
}

/** The layout of a cache whose layers are all alike. */
export const plainLayout = (geometry: PageGeometry): CacheLayout =>
  layOut([{ layers: Array.from({ length: geometry.layers }, (_, i) => i), geometry }]);

/** Creates pools on the GPU and on the host, filled with {@link SENTINEL} or with `words(i)`. */
export async function poolsOf(
  gpu: Gpu,
  geometry: PageGeometry,
  pages: number,
  word: (i: number) => number = () => SENTINEL,
): Promise<{ pools: Pool[]; hosts: { k: HostPool; v: HostPool }[] }> {
  const pools = (await tryCreatePools('poolsOf', gpu, plainLayout(geometry), pages))!;
  let next = 0;
  const hosts = pools.map((pool) => {
    const host = { k: new HostPool(geometry, 'k', pages), v: new HostPool(geometry, 'v', pages) };
    for (const x of ['k', 'v'] as const) {
      const { words } = host[x];
      words.forEach((_, i) => {
        words[i] = word(next++);
      });
      gpu.device.queue.writeBuffer(pool[x].buffer, 0, words);
    }
    return host;
  });
  return { pools, hosts };
}

/** Reads the words of a tensor that shares its buffer with no other. */
export async function wordsOf(gpu: Gpu, t: Tensor, count: number): Promise<Uint32Array> {
  const raw = gpu.wrap(t.buffer, { shape: [count], dtype: 'u32' });
  return await raw.read();
}
