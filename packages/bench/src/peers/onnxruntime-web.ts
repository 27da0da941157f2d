import type * as OrtModule from 'onnxruntime-web/webgpu';
import { prepareOnnx } from '../onnx/prepare.ts';
import type { Peer } from '../peer.ts';

/** Where onnxruntime-web is to work: the device, and the address of its WebAssembly. */
export interface OnnxruntimeWebOptions {
  readonly name: string;
  readonly version: string;
  readonly device: () => Promise<GPUDevice>;
  readonly wasm: string;
}

/** onnxruntime-web's WebGPU execution provider, in a page, on a device that is given to it. */
export function onnxruntimeWebPeer({ name, version, device, wasm }: OnnxruntimeWebOptions): Peer {
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
      // Threads need a page of an isolated origin, and the work is on the GPU.
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
