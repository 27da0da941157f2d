import type { Gpu } from '@heed/core';
import type { InferenceSession } from 'onnxruntime-web';

/**
 * Options of a session that works on heed's device and leaves its outputs there, to be spread into others of yours.
 *
 * @example
 * const session = await ort.InferenceSession.create(model, sessionOptions(gpu));
 */
export function sessionOptions(
  gpu: Gpu,
): Required<
  Pick<InferenceSession.SessionOptions, 'executionProviders' | 'preferredOutputLocation'>
> {
  return {
    executionProviders: [{ name: 'webgpu', device: gpu.device }],
    preferredOutputLocation: 'gpu-buffer',
  };
}
