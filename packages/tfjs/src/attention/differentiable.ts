import { type Gpu, type Tensor as HeedTensor, UnsupportedError } from '@heed/core';
import { flush } from '@heed/core/kernel';
import { customGrad, engine, type GradSaveFunc, type Tensor, zeros } from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { submitPending } from '../device/backend.ts';
import { allocate } from '../tensors/allocate.ts';
import { copyTensors } from '../tensors/copy.ts';
import { lend } from '../tensors/lend.ts';
import { wrapTensor } from '../tensors/wrap.ts';
import { type Operands, viewOperands } from './operands.ts';

export type Views = ReadonlyMap<string, HeedTensor>;

/** heed's forward with its gradient. */
interface Vjp {
  readonly lse?: HeedTensor;
  /** By operand; what is missing has gradient 0. */
  readonly backward: (dOut: HeedTensor) => ReadonlyMap<string, HeedTensor>;
}

/** An attention of heed's over the operands of a call. */
export interface Operation {
  readonly fn: string;
  readonly gpu: Gpu;
  readonly backend: WebGPUBackend;
  readonly operands: Operands;
  /** Operands that TensorFlow.js may ask the gradient by. */
  readonly inputs: readonly string[];
  /** Writes out. */
  readonly forward: (views: Views, out: HeedTensor) => void;
  /** Writes out, and keeps what the gradient needs. */
  readonly vjp: (views: Views, out: HeedTensor) => Vjp;
}

/**
 * Runs an operation as one node of TensorFlow.js's tape. Without a tape nothing is kept; with one, TensorFlow.js keeps the
 * operands, out and lse until it drops the tape.
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
  // The backward reads their buffers, which must be nobody else's until then.
  save([...inputs.map((name) => operands.get(name)!), ...others, value, ...kept]);
  const gradFunc = (dy: Tensor, saved: Tensor[]): Tensor[] => {
    const gradients = gradientsOf(operation, backward, dy);
    const sources = [dy, ...saved.slice(0, inputs.length)];
    return engine().isTapeOn() ? gradients.map((x) => opaque(operation.fn, x, sources)) : gradients;
  };
  return { value, gradFunc };
}

/** Between the work that TensorFlow.js recorded before and what it records after. */
function launch<T>(
  { fn, gpu, backend, operands }: Operation,
  value: Tensor,
  run: (views: Views, out: HeedTensor) => T,
): T {
  const views = viewOperands(fn, gpu, backend, operands);
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

/** The same values, through which no second derivative goes: asking for one is an error, not a missing term. */
function opaque(fn: string, x: Tensor, sources: readonly Tensor[]): Tensor {
  const node = customGrad(() => ({
    value: x.clone(),
    gradFunc: () => {
      throw new UnsupportedError(
        `${fn}: there are first derivatives only; got a gradient of a gradient. Write this attention with tf.matMul and tf.softmax.`,
      );
    },
  }));
  return node(...sources);
}

function outShape(operands: Operands): number[] {
  const [q, v] = [operands.get('q')!.shape, operands.get('v')!.shape];
  return [...q.slice(0, -1), v.at(-1) ?? 0];
}
