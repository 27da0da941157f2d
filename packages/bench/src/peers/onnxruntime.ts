import type * as OrtModule from 'onnxruntime-node';
import { prepareOnnx } from '../onnx/prepare.ts';
import type { Peer } from '../peer.ts';

type Ort = typeof OrtModule;

/**
 * onnxruntime-node's WebGPU execution provider, with a Dawn of its own: the adapter is the one that
 * VK_DRIVER_FILES leaves.
 */
export function onnxruntimePeer(version: string): Peer {
  let ort: Ort | undefined;
  return {
    name: 'onnxruntime',
    version,
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
      return prepareOnnx({ ort, provider: 'webgpu' }, problem);
    },
    async close() {},
  };
}
