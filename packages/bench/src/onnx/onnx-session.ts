import type * as OrtModule from 'onnxruntime-node';
import {
  lengthsOf,
  maxLength,
  type Prepared,
  type Problem,
  type Unsupported,
} from '../measure/bench-problem.ts';
import { unpadRows } from '../measure/row-layouts.ts';
import { type AttentionGraph, attentionGraph, type Feed } from './attention-graph.ts';
import { type ElementType, elementTypeNumber, encodeModel, type Graph } from './onnx-model.ts';

type InferenceSession = OrtModule.InferenceSession;
type Tensor = OrtModule.Tensor;

/** ONNX Runtime for Node or for browsers, and its WebGPU provider: a name, or a name with a device. */
interface Runtime {
  readonly ort: Pick<typeof OrtModule, 'InferenceSession' | 'Tensor'>;
  readonly provider: OrtModule.InferenceSession.ExecutionProviderConfig;
}

interface Upload {
  readonly tensor: Tensor;
  /** The session that owns the tensor's memory. Using the tensor after releasing the session aborts the process. */
  readonly session?: InferenceSession;
}

/** Uploads a float feed in the storage type. Integer feeds stay on the host, where the operators read them. */
async function toGpu(
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

/** Creates a session with the WebGPU provider only. */
function createSession(
  { ort, provider }: Runtime,
  graph: Graph,
  options: OrtModule.InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  return ort.InferenceSession.create(encodeModel(graph), {
    executionProviders: [provider],
    logSeverityLevel: 4,
    // The GPU does all work; threads of the session would only spin during the next timed run.
    intraOpNumThreads: 1,
    // Without this, a node that falls back to the CPU would be timed as WebGPU.
    extra: { session: { disable_cpu_ep_fallback: '1' } },
    ...options,
  });
}

/** Sets a problem up in ONNX Runtime, for Node or for browsers. Inputs stay on the GPU; the output is read back, as for every program. */
export async function prepareOnnx(
  runtime: Runtime,
  problem: Problem,
): Promise<Prepared | Unsupported> {
  const graph = attentionGraph(problem);
  return 'unsupported' in graph ? graph : prepare(runtime, problem, graph);
}

async function prepare(
  runtime: Runtime,
  { workload }: Problem,
  { how, graph, feeds }: AttentionGraph,
): Promise<Prepared> {
  const storage = workload.dtype === 'f16' ? 'float16' : 'float32';
  const stays = Object.fromEntries(
    graph.outputs.map(({ name }) => [name, name === 'out' ? 'cpu' : 'gpu-buffer'] as const),
  );
  const session = await createSession(runtime, graph, { preferredOutputLocation: stays });
  const uploads: Upload[] = [];
  const inputs: Record<string, Tensor> = {};
  // Sequential, since onnxruntime-web cannot create two sessions at the same time.
  for (const [name, feed] of Object.entries(feeds)) {
    const upload = await toGpu(runtime, feed, storage);
    uploads.push(upload);
    inputs[name] = upload.tensor;
  }
  const maxQ = maxLength(workload, 'seqlenQ');
  let latest = new Float32Array();
  return {
    how,
    async run() {
      const { out, ...presents } = await session.run(inputs);
      latest = (out as Tensor).data as Float32Array<ArrayBuffer>;
      for (const present of Object.values(presents)) present.dispose();
    },
    result: () =>
      workload.layout === 'paged'
        ? latest
        : unpadRows(
            latest,
            lengthsOf(workload, 'seqlenQ'),
            maxQ,
            workload.headsQ * workload.headDim,
          ),
    async dispose() {
      for (const upload of uploads) {
        upload.tensor.dispose();
        await upload.session?.release();
      }
      await session.release();
    },
  };
}
