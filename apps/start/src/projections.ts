import { random } from '@heed/conformance/reference';
import { lengthsOf, type Pack } from './packed-documents.ts';

/** Head counts and head dimension. */
export interface Heads {
  readonly query: number;
  readonly kv: number;
  readonly dim: number;
}

/** Queries, keys and values of a pack, token-major: q [T, query, dim]; k and v [T, kv, dim]. */
export interface Projections {
  readonly heads: Heads;
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
}

const modelDim = 64;
const seeds = { q: 11, k: 12, v: 13 } as const;

/**
 * Computes q, k and v of tokens as the first layer of a model does: the embedding of the token plus that of its position in the
 * document, times a projection matrix. Embeddings and matrices have fixed seeds, so equal tokens have equal embeddings, and every
 * machine computes the same numbers.
 */
export function project(pack: Pack, heads: Heads): Projections {
  const x = embed(pack);
  const times = (seed: number, count: number): Float32Array =>
    multiply(x, matrix(seed, count * heads.dim), count * heads.dim);
  return {
    heads,
    q: times(seeds.q, heads.query),
    k: times(seeds.k, heads.kv),
    v: times(seeds.v, heads.kv),
  };
}

/** Returns embeddings [T, modelDim]; each element has a variance of about 1. */
function embed(pack: Pack): Float32Array {
  const x = new Float32Array(pack.tokens.length * modelDim);
  let row = 0;
  for (const length of lengthsOf(pack)) {
    for (let position = 0; position < length; position++, row++) {
      addToken(x, row, pack.tokens[row] as number);
      addPosition(x, row, position);
    }
  }
  return x;
}

function addToken(x: Float32Array, row: number, token: number): void {
  const source = random(token);
  for (let d = 0; d < modelDim; d++) x[row * modelDim + d] = source.normal();
}

/** Adds sinusoids of growing wavelength, as in Vaswani et al. 2017, §3.5. */
function addPosition(x: Float32Array, row: number, position: number): void {
  for (let d = 0; d < modelDim; d++) {
    const angle = position / 10000 ** ((d - (d % 2)) / modelDim);
    x[row * modelDim + d] =
      (x[row * modelDim + d] as number) + (d % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
  }
}

function matrix(seed: number, columns: number): Float32Array {
  const source = random(seed);
  const scale = 1 / Math.sqrt(modelDim);
  return Float32Array.from({ length: modelDim * columns }, () => source.normal() * scale);
}

/** Returns [rows, modelDim] · [modelDim, columns]. The inner loop runs over contiguous memory. */
function multiply(x: Float32Array, weights: Float32Array, columns: number): Float32Array {
  const rows = x.length / modelDim;
  const product = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    const out = product.subarray(r * columns, (r + 1) * columns);
    for (let d = 0; d < modelDim; d++) {
      const factor = x[r * modelDim + d] as number;
      const weight = weights.subarray(d * columns, (d + 1) * columns);
      for (let c = 0; c < columns; c++)
        out[c] = (out[c] as number) + factor * (weight[c] as number);
    }
  }
  return product;
}
