export const checksumBytes = 32;

/** SHA-256. Asynchronous, unlike the names of pages: the platform's own is many times faster, and a payload is large. */
export async function checksum(bytes: Uint8Array): Promise<Uint8Array> {
  // Stores give plain memory; TypeScript has no type for "not shared" that callers would not have to repeat.
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);
