import type { KernelSource } from '@heed/core/kernel';
import type { ForwardConfig } from '../config/forward.ts';
import { forwardFields, forwardSource } from '../kernels/forward/forward.wgsl.ts';
import type { Selection } from '../plan/select.ts';
import type { ParamField } from '../wgsl/params.ts';
import { type MemoryLayout, readAccess, writeAccess } from './access.ts';

/** What a selection comes to once it is known how the tensors lie in memory. */
export interface ForwardKernel {
  readonly config: ForwardConfig;
  readonly source: KernelSource;
  readonly fields: readonly ParamField[];
}

const known = new WeakMap<Selection, ForwardKernel[]>();

/** The kernel of a selection for tensors that lie so; found again without its name being spelled out. */
export function forwardKernel(
  selection: Selection,
  inputs: readonly MemoryLayout[],
  out: MemoryLayout,
): ForwardKernel {
  const read = readAccess(inputs);
  const write = writeAccess(out);
  const outType = out.dtype as ForwardConfig['outType'];
  let kernels = known.get(selection);
  if (!kernels) known.set(selection, (kernels = []));
  for (const kernel of kernels) {
    const { config } = kernel;
    if (config.read === read && config.write === write && config.outType === outType) return kernel;
  }
  const config = { ...selection.config, outType, read, write };
  const kernel = { config, source: forwardSource(config), fields: forwardFields(config) };
  kernels.push(kernel);
  return kernel;
}
