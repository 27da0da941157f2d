import { type Gpu, UnsupportedError } from '@heed/core';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import type * as OrtModule from 'onnxruntime-web/webgpu';
import type { Peer } from '../../measure/bench-problem.ts';
import { prepareOnnx } from '../../onnx/onnx-session.ts';
import { heedPeer } from '../../peers/heed-peer.ts';
import { jaxPeer } from '../../peers/jax-js.ts';
import { tensorflowPeer } from '../../peers/tensorflow-js.ts';
import type { PagePeer } from '../page-job.ts';

/** Makes the programs of a page that have a version. */
export function pagePeers(gpu: Gpu, versions: Readonly<Record<string, string>>): Peer[] {
  const onnxruntime =
    (name: PagePeer, device: () => Promise<GPUDevice>) =>
    (version: string): Peer =>
      onnxruntimeWebPeer({ name, version, device });
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

/** Name, version and device of an onnxruntime-web program. */
interface OnnxruntimeWebOptions {
  readonly name: string;
  readonly version: string;
  readonly device: () => Promise<GPUDevice>;
}

/** onnxruntime-web's WebGPU execution provider, in a page, on the given device. */
function onnxruntimeWebPeer({ name, version, device }: OnnxruntimeWebOptions): Peer {
  let opened: { readonly ort: typeof OrtModule; readonly device: GPUDevice } | undefined;
  const isOpen = (): NonNullable<typeof opened> => {
    if (opened === undefined) throw new Error(`${name}: needs available() first.`);
    return opened;
  };
  return {
    name,
    version,
    async available() {
      const ort = await import('onnxruntime-web/webgpu');
      ort.env.logLevel = 'fatal';
      // Threads need a cross-origin isolated page, and the GPU does the work.
      ort.env.wasm.numThreads = 1;
      ort.env.wasm.wasmPaths = { wasm };
      opened = { ort, device: await device() };
      return undefined;
    },
    device: () => isOpen().device,
    prepare(problem) {
      const { ort, device: on } = isOpen();
      return prepareOnnx({ ort, provider: { name: 'webgpu', device: on } }, problem);
    },
    async close() {},
  };
}

const powerPreference = 'high-performance';

/**
 * Requests a device like heed's from the same adapter, but without subgroups. onnxruntime then takes other kernels, which are right
 * where its kernels with subgroups are not.
 * @throws UnsupportedError heed's device has no subgroups either
 */
async function deviceWithoutSubgroups({ device, capabilities }: Gpu): Promise<GPUDevice> {
  if (!device.features.has('subgroups')) {
    throw new UnsupportedError('the adapter has no subgroups, so this is as onnxruntime-web');
  }
  const adapter = await navigator.gpu.requestAdapter({ powerPreference });
  const features = [...device.features] as GPUFeatureName[];
  const known = features.filter((name) => adapter!.features.has(name));
  return adapter!.requestDevice({
    label: 'bench without subgroups',
    requiredFeatures: known.filter((name) => !name.startsWith('subgroup')),
    requiredLimits: { ...capabilities.limits },
  });
}
