/** A 64-bit list as a 32-bit one, if its values fit; anything else as it is, for a check to refuse. */
export function narrowed<T>(x: T): T | Int32Array {
  if (!(x instanceof BigInt64Array)) return x;
  const list = Int32Array.from(x, Number);
  return list.every((n, i) => BigInt(n) === x[i]) ? list : x;
}
