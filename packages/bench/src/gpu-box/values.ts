/** The tensors of a case that hold numbers of their own. */
export type Input = 'q' | 'k' | 'v' | 'dOut' | 'bias';

/** Where each tensor's numbers begin, and what they are multiplied by: queries of 4 make scores of deviation 1.3. */
export const sources: Readonly<Record<Input, { readonly seed: number; readonly factor: number }>> =
  {
    q: { seed: 1, factor: 4 },
    k: { seed: 2, factor: 1 },
    v: { seed: 3, factor: 1 },
    dOut: { seed: 4, factor: 1 },
    bias: { seed: 5, factor: 1 },
  };

/**
 * Number `index` of a tensor, in [−factor, factor): the upper 11 bits of a hash, so that it is exact in f16 and the GPU, the
 * host and the other process make the same one without sending it.
 */
export function valueAt(input: Input, index: number): number {
  const { seed, factor } = sources[input];
  return (((hash(index, seed) >>> 21) - 1024) / 1024) * factor;
}

/** lowbias32 of https://github.com/skeeto/hash-prospector, seeded. */
function hash(index: number, seed: number): number {
  let x = (index + Math.imul(seed, 0x9e3779b9)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Numbers `start` … `start + count − 1` of a tensor. */
export function valuesFrom(input: Input, start: number, count: number): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = valueAt(input, start + i);
  return values;
}
