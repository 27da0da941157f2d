import { type GpuHost, openHeed } from '../gpu-host.ts';
import { packageVersion } from '../package-version.ts';
import type { Peer } from '../peer.ts';
import { heedPeer } from './heed.ts';
import { jaxPeer } from './jax-js.ts';
import { onnxruntimePeer } from './onnxruntime.ts';
import { tensorflowPeer } from './tensorflow-js.ts';

/** Every program that the benchmark knows in Node, by name; heed first. */
export const peerFactories: Readonly<Record<string, (host: GpuHost) => Peer>> = {
  heed: (host) => heedPeer(packageVersion('@heed/kernels-wgsl'), () => openHeed(host)),
  onnxruntime: () => onnxruntimePeer(packageVersion('onnxruntime-node')),
  'jax-js': () => jaxPeer(packageVersion('@jax-js/jax')),
  tfjs: () => tensorflowPeer(packageVersion('@tensorflow/tfjs-core')),
};
