import type { BufferRange } from '../buffers/range.ts';

/** How a binding is used; its index in the list is `@binding(i)` in `@group(0)`. A uniform is the last, and the only one. */
export type BindingKind = 'read' | 'write' | 'uniform';

/** A compute shader and its bindings. Source and bindings together are its identity. */
export interface KernelSource {
  readonly label: string;
  readonly code: string;
  readonly bindings: readonly BindingKind[];
  /** Default 'main'. */
  readonly entryPoint?: string;
}

/** A compiled {@link KernelSource}. */
export interface Kernel {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly source: KernelSource;
}

/** One launch of a kernel; `buffers[i]` goes to `@binding(i)`. */
export interface Dispatch {
  readonly kernel: Kernel;
  readonly buffers: readonly BufferRange[];
  /** What a kernel's uniform holds; copied when dispatched. At most 64 KiB. */
  readonly params?: Uint32Array;
  readonly workgroups: readonly [x: number, y: number, z: number];
  /** Default: the kernel's label. */
  readonly label?: string;
}
