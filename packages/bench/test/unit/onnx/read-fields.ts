/** A decoded field: its number, and an integer, raw bytes of a 32-bit value, or a payload. */
export interface Field {
  readonly field: number;
  readonly value: number | Uint8Array;
}

/** Decodes one level of a Protocol Buffers message, independently of the encoder under test. */
export function readFields(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Uint8Array => bytes.subarray(at, (at += length));
  while (at < bytes.length) {
    const tag = readVarint();
    const [field, type] = [tag >>> 3, tag & 7];
    if (type === 0) fields.push({ field, value: readVarint() });
    else if (type === 2) fields.push({ field, value: take(readVarint()) });
    else if (type === 5) fields.push({ field, value: take(4) });
    else throw new Error(`readFields: wire type ${type}`);
  }
  return fields;
}

/** Returns all values of one field. */
export function valuesOf(bytes: Uint8Array, field: number): (number | Uint8Array)[] {
  return readFields(bytes)
    .filter((entry) => entry.field === field)
    .map(({ value }) => value);
}

/** Returns the strings of one field. */
export function stringsOf(bytes: Uint8Array, field: number): string[] {
  return valuesOf(bytes, field).map((value) => new TextDecoder().decode(value as Uint8Array));
}
