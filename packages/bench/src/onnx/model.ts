import { concat, floatField, intField, messageField, stringField } from './wire.ts';

/** Element types by their ONNX names. */
export type ElementType = 'float32' | 'float16' | 'int32';

/** A named graph input or output. */
export interface ValueInfo {
  readonly name: string;
  readonly type: ElementType;
  /** An undefined extent is for the operator to tell. */
  readonly shape: readonly (number | undefined)[];
}

/** An attribute: ONNX tells integers and floats apart even where the value is integral. */
export type Attribute = { readonly int: number } | { readonly float: number };

/** One operator call. An empty input name leaves an optional input out. */
export interface OperatorNode {
  readonly op: string;
  /** Operator set; default: ONNX's own. */
  readonly domain?: 'com.microsoft';
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** A graph without weights: everything it works on is an input. */
export interface Graph {
  readonly nodes: readonly OperatorNode[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

// Field numbers and enum values of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
const elementType = { float32: 1, int32: 6, float16: 10 } as const;
const attributeType = { float: 1, int: 2 } as const;
const irVersion = 10;

/** ONNX's number for an element type, as the `to` attribute of Cast takes it. */
export function elementTypeNumber(type: ElementType): number {
  return elementType[type];
}

/**
 * The bytes of an ONNX model (a ModelProto).
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
