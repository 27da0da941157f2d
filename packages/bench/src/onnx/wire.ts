/**
 * The part of the Protocol Buffers wire format that an ONNX model needs
 * (https://protobuf.dev/programming-guides/encoding/): varints, 32-bit floats, length-delimited fields.
 */

const wireType = { varint: 0, lengthDelimited: 2, fixed32: 5 } as const;
const utf8: TextEncoder = new TextEncoder();

/** A base-128 varint. Takes non-negative safe integers; throws RangeError on others. */
export function varint(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`varint: value must be a non-negative safe integer; got ${value}.`);
  }
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** Encoded fields one after another: a message, or part of one. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** A field that holds an integer or an enum value. */
export function intField(field: number, value: number): Uint8Array {
  return concat(tag(field, wireType.varint), varint(value));
}

/** A field that holds a 32-bit float. */
export function floatField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return concat(tag(field, wireType.fixed32), bytes);
}

/** A field that holds a message. */
export function messageField(field: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const payload = concat(...parts);
  return concat(tag(field, wireType.lengthDelimited), varint(payload.length), payload);
}

/** A field that holds a string. */
export function stringField(field: number, text: string): Uint8Array {
  return messageField(field, utf8.encode(text));
}

function tag(field: number, type: number): Uint8Array {
  return varint(field * 8 + type);
}
