import type * as OrtModule from 'onnxruntime-node';
import type { Peer } from '../measure/bench-problem.ts';
import { type GpuHost, openHeed, packageVersion } from '../measure/gpu-host.ts';
import { prepareOnnx } from '../onnx/onnx-session.ts';
import { heedPeer } from './heed-peer.ts';
import { jaxPeer } from './jax-js.ts';
import { tensorflowPeer } from './tensorflow-js.ts';

/** Every program of the benchmark in Node, by name; heed first. */
export const peerFactories: Readonly<Record<string, (host: GpuHost) => Peer>> = {
  heed: (host) => heedPeer(packageVersion('@heed/kernels-wgsl'), () => openHeed(host)),
  onnxruntime: () => onnxruntimePeer(),
  'jax-js': () => jaxPeer(packageVersion('@jax-js/jax')),
  tfjs: () => tensorflowPeer(packageVersion('@tensorflow/tfjs-core')),
};

type Ort = typeof OrtModule;

/**
 * onnxruntime-node's WebGPU execution provider. It has its own Dawn, which takes the adapter that VK_DRIVER_FILES leaves.
 */
export function onnxruntimePeer(): Peer {
  let ort: Ort | undefined;
  return {
    name: 'onnxruntime',
    version: packageVersion('onnxruntime-node'),
    async available() {
      ort = await import('onnxruntime-node');
      // Errors are thrown as well; the log would only repeat them, with advice at every run.
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
