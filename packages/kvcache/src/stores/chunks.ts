const chunkBytes = 32 * 2 ** 20;

/** A list in pieces whose elements take some megabytes together: at least one element each. */
export function* chunks<T>(list: readonly T[], bytesPerElement: number): Generator<readonly T[]> {
  const count = Math.max(1, Math.floor(chunkBytes / bytesPerElement));
  for (let at = 0; at < list.length; at += count) yield list.slice(at, at + count);
}
