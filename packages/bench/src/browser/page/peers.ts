import type { Gpu } from '@heed/core';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import type { Peer } from '../../peer.ts';
import { heedPeer } from '../../peers/heed.ts';
import { jaxPeer } from '../../peers/jax-js.ts';
import { onnxruntimeWebPeer } from '../../peers/onnxruntime-web.ts';
import { tensorflowPeer } from '../../peers/tensorflow-js.ts';
import type { PagePeer } from '../peers.ts';
import { deviceWithoutSubgroups } from './plain-device.ts';

/** The programs of a page, of those that have a version. */
export function pagePeers(gpu: Gpu, versions: Readonly<Record<string, string>>): Peer[] {
  const onnxruntime =
    (name: PagePeer, device: () => Promise<GPUDevice>) =>
    (version: string): Peer =>
      onnxruntimeWebPeer({ name, version, wasm, device });
  const makers: Readonly<Record<PagePeer, (version: string) => Peer>> = {
    heed: (version) => heedPeer(version, async () => gpu),
    'onnxruntime-web': onnxruntime('onnxruntime-web', async () => gpu.device),
    'onnxruntime-web-plain': onnxruntime('onnxruntime-web-plain', () =>
      deviceWithoutSubgroups(gpu),
    ),
    'jax-js': jaxPeer,
    tfjs: tensorflowPeer,
  };
  return Object.entries(makers).flatMap(([name, make]) =>
    versions[name] === undefined ? [] : [make(versions[name])],
  );
}
