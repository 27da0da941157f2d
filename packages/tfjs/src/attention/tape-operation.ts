import { type Gpu, type Tensor as HeedTensor, UnsupportedError } from '@heed/core';
import { flush } from '@heed/core/kernel';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { customGrad, engine, type GradSaveFunc, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { submitPending } from '../device/open-tfjs.ts';
import { allocate, copyTensors, lend, wrapTensor } from '../tensors/shared-memory.ts';

/** The tensors of a call by the name of their argument: 'q', 'sinks', 'captures.bias'. */
export type Operands = ReadonlyMap<string, Tensor>;

/** heed's views of the operands, under the same names. */
export type Views = ReadonlyMap<string, HeedTensor>;

/** The result of heed's forward pass, and its gradients. */
interface Vjp {
  readonly lse?: HeedTensor;
  /** Returns the gradients by operand; a missing one is 0. */
  readonly backward: (dOut: HeedTensor) => ReadonlyMap<string, HeedTensor>;
}

/** One attention over the operands of a call. */
interface Operation {
  readonly fn: string;
  readonly gpu: Gpu;
  readonly backend: WebGPUBackend;
  readonly operands: Operands;
  /** Operands that have a gradient. */
  readonly inputs: readonly string[];
  /** Writes `out`. */
  readonly forward: (views: Views, out: HeedTensor) => void;
  /** Writes `out` and keeps the tensors that the gradient needs. */
  readonly vjp: (views: Views, out: HeedTensor) => Vjp;
}

/**
 * Runs an operation as one node of TensorFlow.js's tape. While a tape records, TensorFlow.js keeps the operands, `out` and `lse`
 * until it drops the tape; otherwise nothing is kept.
 */
export function runOperation(operation: Operation): Tensor {
  const { operands, inputs } = operation;
  const recording = engine().isTapeOn();
  const node = customGrad((...args) => {
    const value = allocate(operation.backend, outShape(operands));
    if (recording) return record(operation, value, args.at(-1) as unknown as GradSaveFunc);
    launch(operation, value, operation.forward);
    return { value, gradFunc: () => [] };
  });
  return node(...inputs.map((name) => operands.get(name)!));
}

function record(
  operation: Operation,
  value: Tensor,
  save: GradSaveFunc,
): { value: Tensor; gradFunc: (dy: Tensor, saved: Tensor[]) => Tensor[] } {
  const { backend, operands, inputs } = operation;
  const { lse, backward } = launch(operation, value, operation.vjp);
  const others = [...operands].flatMap(([name, x]) => (inputs.includes(name) ? [] : [x]));
  const kept = lse ? [lend(backend, lse)] : [];
  // The backward pass reads these buffers: TensorFlow.js may not reuse them before.
  save([...inputs.map((name) => operands.get(name)!), ...others, value, ...kept]);
  const gradFunc = (dy: Tensor, saved: Tensor[]): Tensor[] => {
    const gradients = gradientsOf(operation, backward, dy);
    const sources = [dy, ...saved.slice(0, inputs.length)];
    return engine().isTapeOn() ? gradients.map((x) => opaque(operation.fn, x, sources)) : gradients;
  };
  return { value, gradFunc };
}

/** Submits the work that TensorFlow.js has recorded, then heed's, so that the order of the calls is kept. */
function launch<T>(
  operation: Operation,
  value: Tensor,
  run: (views: Views, out: HeedTensor) => T,
): T {
  const { fn, gpu, backend } = operation;
  const views = viewOperands(operation);
  const out = wrapTensor(fn, gpu, backend, 'out', value);
  submitPending(backend);
  const result = run(views, out);
  flush(gpu);
  return result;
}

function gradientsOf(
  { fn, gpu, backend, operands, inputs }: Operation,
  backward: Vjp['backward'],
  dy: Tensor,
): Tensor[] {
  const dOut = wrapTensor(fn, gpu, backend, 'the gradient', dy);
  submitPending(backend);
  const gradients = backward(dOut);
  const found = inputs.filter((name) => gradients.has(name));
  const copies = copyTensors(
    fn,
    gpu,
    backend,
    found.map((name) => gradients.get(name)!),
  );
  for (const gradient of gradients.values()) gradient.dispose();
  return inputs.map((name) => copies[found.indexOf(name)] ?? zeros(operands.get(name)!.shape));
}

/** Returns the same values without a derivative: a gradient of a gradient throws, where it would silently lack a term. */
function opaque(fn: string, x: Tensor, sources: readonly Tensor[]): Tensor {
  const node = customGrad(() => ({
    value: x.clone(),
    gradFunc: () => {
      throw new UnsupportedError(
        `${fn}: only first derivatives exist; got a gradient of a gradient. Write this attention with tf.matMul and tf.softmax.`,
      );
    },
  }));
  return node(...sources);
}

/** Returns heed's view of each operand. Values on the host are uploaded; TensorFlow.js has yet to submit that. */
function viewOperands({ fn, gpu, backend, operands }: Operation): Map<string, HeedTensor> {
  const views = [...operands].map(
    ([name, x]) => [name, wrapTensor(fn, gpu, backend, name, x)] as const,
  );
  return new Map(views);
}

function outShape(operands: Operands): number[] {
  const [q, v] = [operands.get('q')!.shape, operands.get('v')!.shape];
  return [...q.slice(0, -1), v.at(-1) ?? 0];
}
