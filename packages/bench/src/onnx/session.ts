import type * as OrtModule from 'onnxruntime-node';
import type { Feed } from './feeds.ts';
import { type ElementType, elementTypeNumber, encodeModel, type Graph } from './model.ts';

type InferenceSession = OrtModule.InferenceSession;
export type Tensor = OrtModule.Tensor;

/** ONNX Runtime for Node or for browsers, and its WebGPU provider: a name, or with the device to work on. */
export interface Runtime {
  readonly ort: Pick<typeof OrtModule, 'InferenceSession' | 'Tensor'>;
  readonly provider: OrtModule.InferenceSession.ExecutionProviderConfig;
}

export interface Upload {
  readonly tensor: Tensor;
  /** The session that owns the tensor's memory: using the one after releasing the other aborts the process. */
  readonly session?: InferenceSession;
}

/** A float feed as a tensor on the GPU, in the storage type; integer feeds stay on the host, where the operators read them. */
export async function toGpu(
  runtime: Runtime,
  { data, shape }: Feed,
  storage: ElementType,
): Promise<Upload> {
  const { Tensor } = runtime.ort;
  if (data instanceof Int32Array) return { tensor: new Tensor('int32', data, shape) };
  const session = await createSession(runtime, castGraph(shape, storage), {
    preferredOutputLocation: 'gpu-buffer',
  });
  const { y } = await session.run({ x: new Tensor('float32', data, shape) });
  return { tensor: y as Tensor, session };
}

function castGraph(shape: readonly number[], to: ElementType): Graph {
  return {
    nodes: [
      {
        op: 'Cast',
        inputs: ['x'],
        outputs: ['y'],
        attributes: { to: { int: elementTypeNumber(to) } },
      },
    ],
    inputs: [{ name: 'x', type: 'float32', shape }],
    outputs: [{ name: 'y', type: to, shape }],
  };
}

/** A session on the WebGPU provider and nothing else. */
export function createSession(
  { ort, provider }: Runtime,
  graph: Graph,
  options: OrtModule.InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  return ort.InferenceSession.create(encodeModel(graph), {
    executionProviders: [provider],
    logSeverityLevel: 4,
    // All work is the GPU's: threads of its own would only spin beside what is timed next.
    intraOpNumThreads: 1,
    // A node that fell back to the CPU would be timed as WebGPU.
    extra: { session: { disable_cpu_ep_fallback: '1' } },
    ...options,
  });
}
