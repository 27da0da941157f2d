import type { Gpu, Tensor } from '@heed/core';
import { breathing } from '@heed/core/kernel';
import { heedCall } from './heed-call.ts';
import type { Probe } from './probe.ts';
import type { CallTime, Program } from './program.ts';

// Of one submit: few enough that the GPU begins while the host still records, many enough that submits cost little.
const callsPerSubmit = 4;

/** heed on its own device. */
export function heedProgram(gpu: Gpu): Program {
  return {
    name: 'heed',
    async load(boxCase, probes) {
      const made = heedCall(gpu, boxCase);
      const dispose = async (): Promise<void> => made.tensors.forEach((tensor) => tensor.dispose());
      try {
        const outputs = made.call();
        const samples: Float32Array[] = [];
        for (const probe of probes) samples.push(await rowsAt(outputs[probe.output]!, probe));
        return { how: made.how, samples, time: (calls) => time(gpu, made.call, calls), dispose };
      } catch (error) {
        await dispose();
        throw error;
      }
    },
  };
}

async function rowsAt(
  tensor: Tensor,
  { batch, head, rowStart, rowEnd }: Probe,
): Promise<Float32Array> {
  const rows = tensor
    .slice(0, batch, batch + 1)
    .slice(1, head, head + 1)
    .slice(2, rowStart, rowEnd);
  return (await rows.read()) as Float32Array;
}

async function time(gpu: Gpu, call: () => unknown, calls: number): Promise<CallTime> {
  const start = performance.now();
  for (let done = 0; done < calls; done += callsPerSubmit) {
    gpu.batch(() => {
      for (let i = done; i < Math.min(calls, done + callsPerSubmit); i++) call();
    });
  }
  await breathing(gpu.device.adapterInfo, gpu.settled());
  const ms = (performance.now() - start) / calls;
  const gpuMs = await gpuTime(gpu, call);
  return gpuMs === undefined ? { ms } : { ms, gpuMs };
}

/** The dispatches of one call by the GPU's clock; what lies between them does not count. */
async function gpuTime(gpu: Gpu, call: () => unknown): Promise<number | undefined> {
  if (!gpu.capabilities.timestampQuery) return undefined;
  const { spans } = await breathing(
    gpu.device.adapterInfo,
    gpu.profile(() => void call()),
  );
  return spans.reduce((sum, { ms }) => sum + ms, 0);
}
