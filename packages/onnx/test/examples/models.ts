/**
 * Encodes ONNX models (ModelProto): https://github.com/onnx/onnx/blob/main/onnx/onnx.proto in the wire format of
 * https://protobuf.dev/programming-guides/encoding/. Lengths here fit in two bytes of a varint.
 */
interface Value {
  readonly name: string;
  readonly shape: readonly number[];
  /** ONNX's number of the element type; default 1, float32. */
  readonly type?: number;
}

interface Operator {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly ints?: Readonly<Record<string, number>>;
}

const varint = (n: number): number[] => (n < 128 ? [n] : [(n % 128) + 128, ...varint(n >> 7)]);
const int = (field: number, n: number): number[] => [...varint(field << 3), ...varint(n)];
const bytes = (field: number, body: readonly number[]): number[] => [
  ...varint((field << 3) | 2),
  ...varint(body.length),
  ...body,
];
const text = (field: number, s: string): number[] => bytes(field, [...new TextEncoder().encode(s)]);

function valueInfo({ name, shape, type = 1 }: Value): number[] {
  const dims = shape.flatMap((n) => bytes(1, int(1, n)));
  return [...text(1, name), ...bytes(2, bytes(1, [...int(1, type), ...bytes(2, dims)]))];
}

function node({ op, inputs, outputs, ints = {} }: Operator): number[] {
  const attributes = Object.entries(ints).flatMap(([name, n]) =>
    bytes(5, [...text(1, name), ...int(3, n), ...int(20, 2)]),
  );
  const names = [...inputs.flatMap((x) => text(1, x)), ...outputs.flatMap((x) => text(2, x))];
  return [...names, ...text(4, op), ...attributes];
}

/** Returns the bytes of a model of operator set 21. */
export function model(
  operators: readonly Operator[],
  inputs: readonly Value[],
  outputs: readonly Value[],
): Uint8Array {
  const graph = [
    ...operators.flatMap((x) => bytes(1, node(x))),
    ...text(2, 'graph'),
    ...inputs.flatMap((x) => bytes(11, valueInfo(x))),
    ...outputs.flatMap((x) => bytes(12, valueInfo(x))),
  ];
  const operatorSet = bytes(8, [...text(1, ''), ...int(2, 21)]);
  return Uint8Array.from([...int(1, 10), ...operatorSet, ...bytes(7, graph)]);
}

const row = (name: string, width = 8): { name: string; shape: number[] } => ({
  name,
  shape: [1, 16, width],
});

/** x [1, 16, 24] → q, k, v [1, 16, 8]. */
export const before: Uint8Array = model(
  [{ op: 'Split', inputs: ['x'], outputs: ['q', 'k', 'v'], ints: { axis: 2, num_outputs: 3 } }],
  [row('x', 24)],
  [row('q'), row('k'), row('v')],
);

/** attended [1, 16, 8] → y, its tanh. */
export const after: Uint8Array = model(
  [{ op: 'Tanh', inputs: ['attended'], outputs: ['y'] }],
  [row('attended')],
  [row('y')],
);
