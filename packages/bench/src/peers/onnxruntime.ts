import type * as OrtModule from 'onnxruntime-node';
import type { Problem } from '../inputs.ts';
import { unpadRows } from '../layouts.ts';
import { lengthsOf, maxLength } from '../lengths.ts';
import { attentionGraph } from '../onnx/attention-graph.ts';
import type { AttentionGraph } from '../onnx/graph-of.ts';
import { createSession, toGpu } from '../onnx/session.ts';
import { packageVersion } from '../package-version.ts';
import type { Peer, Prepared, Unsupported } from '../peer.ts';

type Ort = typeof OrtModule;
type Tensor = OrtModule.Tensor;

/**
 * onnxruntime-node's WebGPU execution provider, with a Dawn of its own: the adapter is the one that
 * VK_DRIVER_FILES leaves. Inputs stay on the GPU; the output is read back, as for every peer.
 */
export function onnxruntimePeer(): Peer {
  let ort: Ort | undefined;
  return {
    name: 'onnxruntime',
    version: packageVersion('onnxruntime-node'),
    async available() {
      ort = await import('onnxruntime-node');
      // What goes wrong is thrown too; the log would only repeat it, and some advice at every run.
      ort.env.logLevel = 'fatal';
      const webgpu = ort
        .listSupportedBackends()
        .some(({ name, bundled }) => name === 'webgpu' && bundled);
      return webgpu ? undefined : 'this platform’s onnxruntime-node has no WebGPU provider';
    },
    async prepare(problem) {
      if (ort === undefined) throw new Error('onnxruntime: prepare needs available() first.');
      const graph = attentionGraph(problem);
      return 'unsupported' in graph ? graph : prepare(ort, problem, graph);
    },
    async close() {},
  };
}

async function prepare(
  ort: Ort,
  { workload }: Problem,
  { how, graph, feeds }: AttentionGraph,
): Promise<Prepared | Unsupported> {
  const storage = workload.dtype === 'f16' ? 'float16' : 'float32';
  const stays = Object.fromEntries(
    graph.outputs.map(({ name }) => [name, name === 'out' ? 'cpu' : 'gpu-buffer'] as const),
  );
  const session = await createSession(ort, graph, { preferredOutputLocation: stays });
  const uploads = await Promise.all(
    Object.entries(feeds).map(
      async ([name, feed]) => [name, await toGpu(ort, feed, storage)] as const,
    ),
  );
  const inputs = Object.fromEntries(uploads.map(([name, { tensor }]) => [name, tensor]));
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
      for (const [, upload] of uploads) {
        upload.tensor.dispose();
        await upload.session?.release();
      }
      await session.release();
    },
  };
}
