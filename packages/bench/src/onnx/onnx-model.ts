/**
 * The part of the Protocol Buffers wire format that an ONNX model needs
 * (https://protobuf.dev/programming-guides/encoding/): varints, 32-bit floats, length-delimited fields.
 */

const wireType = { varint: 0, lengthDelimited: 2, fixed32: 5 } as const;
const utf8: TextEncoder = new TextEncoder();

/** Encodes a non-negative safe integer as a base-128 varint; throws a RangeError for other numbers. */
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

/** Concatenates encoded fields to a message, or to a part of one. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Encodes a field with an integer or an enum value. */
export function intField(field: number, value: number): Uint8Array {
  return concat(tag(field, wireType.varint), varint(value));
}

/** Encodes a field with a 32-bit float. */
export function floatField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return concat(tag(field, wireType.fixed32), bytes);
}

/** Encodes a field with a message. */
export function messageField(field: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const payload = concat(...parts);
  return concat(tag(field, wireType.lengthDelimited), varint(payload.length), payload);
}

/** Encodes a field with a string. */
export function stringField(field: number, text: string): Uint8Array {
  return messageField(field, utf8.encode(text));
}

function tag(field: number, type: number): Uint8Array {
  return varint(field * 8 + type);
}

/** Element types by their ONNX names. */
export type ElementType = 'float32' | 'float16' | 'int32';

/** A named graph input or output. */
export interface ValueInfo {
  readonly name: string;
  readonly type: ElementType;
  /** The operator determines an undefined extent. */
  readonly shape: readonly (number | undefined)[];
}

/** An attribute. ONNX distinguishes integers and floats, even if a float has an integral value. */
type Attribute = { readonly int: number } | { readonly float: number };

/** One operator call. An empty input name leaves an optional input out. */
export interface OperatorNode {
  readonly op: string;
  /** Operator set; default: ONNX's own. */
  readonly domain?: 'com.microsoft';
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** A graph without weights: all its data are inputs. */
export interface Graph {
  readonly nodes: readonly OperatorNode[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

// Field numbers and enum values of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
const elementType = { float32: 1, int32: 6, float16: 10 } as const;
const attributeType = { float: 1, int: 2 } as const;
const irVersion = 10;

/** Returns ONNX's number of an element type, for the `to` attribute of Cast. */
export function elementTypeNumber(type: ElementType): number {
  return elementType[type];
}

/**
 * Encodes an ONNX model (a ModelProto).
 *
 * @example
 * const x = { name: 'x', type: 'float32', shape: [2, 3] };
 * encodeModel({ nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }], inputs: [x], outputs: [{ ...x, name: 'y' }] });
 */
export function encodeModel(graph: Graph): Uint8Array {
  return concat(
    intField(1, irVersion),
    operatorSet('', 21),
    operatorSet('com.microsoft', 1),
    messageField(7, graphProto(graph)),
  );
}

function operatorSet(domain: string, version: number): Uint8Array {
  return messageField(8, stringField(1, domain), intField(2, version));
}

function graphProto({ nodes, inputs, outputs }: Graph): Uint8Array {
  return concat(
    ...nodes.map((node) => messageField(1, nodeProto(node))),
    stringField(2, 'attention'),
    ...inputs.map((value) => messageField(11, valueInfoProto(value))),
    ...outputs.map((value) => messageField(12, valueInfoProto(value))),
  );
}

function nodeProto({ op, domain, inputs, outputs, attributes = {} }: OperatorNode): Uint8Array {
  return concat(
    ...inputs.map((name) => stringField(1, name)),
    ...outputs.map((name) => stringField(2, name)),
    stringField(4, op),
    ...Object.entries(attributes).map(([name, value]) =>
      messageField(5, attributeProto(name, value)),
    ),
    ...(domain === undefined ? [] : [stringField(7, domain)]),
  );
}

function attributeProto(name: string, value: Attribute): Uint8Array {
  return 'int' in value
    ? concat(stringField(1, name), intField(3, value.int), intField(20, attributeType.int))
    : concat(stringField(1, name), floatField(2, value.float), intField(20, attributeType.float));
}

function valueInfoProto({ name, type, shape }: ValueInfo): Uint8Array {
  const dims = shape.map((n) =>
    n === undefined ? messageField(1) : messageField(1, intField(1, n)),
  );
  const tensorType = concat(intField(1, elementType[type]), messageField(2, ...dims));
  return concat(stringField(1, name), messageField(2, messageField(1, tensorType)));
}
