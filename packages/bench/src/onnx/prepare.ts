import type { Problem } from '../inputs.ts';
import { unpadRows } from '../layouts.ts';
import { lengthsOf, maxLength } from '../lengths.ts';
import type { Prepared, Unsupported } from '../peer.ts';
import { attentionGraph } from './attention-graph.ts';
import type { AttentionGraph } from './graph-of.ts';
import { createSession, type Runtime, type Tensor, toGpu, type Upload } from './session.ts';

/** Sets a problem up in ONNX Runtime, for Node or for browsers. Inputs stay on the GPU; the output is read back, as for every peer. */
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
  // One after the other: onnxruntime-web makes no two sessions at once.
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
