import { type GpuHost, openHeed } from '../gpu-host.ts';
import type { Peer } from '../peer.ts';
import { heedPeer } from './heed.ts';
import { jaxPeer } from './jax-js.ts';
import { onnxruntimePeer } from './onnxruntime.ts';
import { tensorflowPeer } from './tensorflow-js.ts';

/** Every program the benchmark knows, by name; heed first. */
export const peerFactories: Readonly<Record<string, (host: GpuHost) => Peer>> = {
  heed: (host) => heedPeer(() => openHeed(host)),
  onnxruntime: onnxruntimePeer,
  'jax-js': jaxPeer,
  tfjs: tensorflowPeer,
};
