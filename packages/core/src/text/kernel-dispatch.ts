import { type BufferRange, chunkBytes } from './buffer-range.ts';
import { LimitError, ValidationError } from './errors.ts';
import { formatShape } from './shape.ts';

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

/**
 * @param max workgroups per dimension
 * @throws ValidationError @throws LimitError
 */
export function checkDispatch(
  { kernel, buffers, params, workgroups }: Dispatch,
  max: number,
): void {
  const { bindings } = kernel.source;
  const isUniform = bindings.at(-1) === 'uniform';
  if (isUniform !== (params !== undefined)) {
    throw new ValidationError(
      `dispatch: kernel "${kernel.label}" has ${isUniform ? 'a' : 'no'} uniform; got ${isUniform ? 'no params. Pass them' : 'params. Leave them out'}.`,
    );
  }
  const count = bindings.length - (isUniform ? 1 : 0);
  if (buffers.length !== count) {
    throw new ValidationError(
      `dispatch: kernel "${kernel.label}" binds ${count} buffers; got ${buffers.length}.`,
    );
  }
  if (params && params.byteLength > chunkBytes) {
    throw new LimitError(
      `dispatch: params hold at most ${chunkBytes} bytes; got ${params.byteLength} for "${kernel.label}". Use uploadStorage.`,
    );
  }
  for (const n of workgroups) {
    if (!Number.isInteger(n) || n < 0) {
      throw new ValidationError(
        `dispatch: workgroup counts must be whole numbers from 0 on; got ${formatShape(workgroups)} for "${kernel.label}".`,
      );
    }
    if (n > max) {
      throw new LimitError(
        `dispatch: at most ${max} workgroups per dimension; got ${formatShape(workgroups)} for "${kernel.label}". Fold them with dispatchGrid().`,
      );
    }
  }
}

/** @throws ValidationError one buffer would be read and written */
export function checkBuffers({ kernel, buffers }: Dispatch): void {
  const { bindings } = kernel.source;
  for (let i = 0; i < buffers.length; i++) {
    if (bindings[i] !== 'write') continue;
    const j = buffers.findIndex(
      (b, k) => k !== i && b.buffer === buffers[i]?.buffer && bindings[k] !== 'write',
    );
    if (j >= 0) {
      throw new ValidationError(
        `dispatch: kernel "${kernel.label}" would read (binding ${j}) and write (binding ${i}) one buffer, "${buffers[i]?.buffer.label}". Write to another buffer.`,
      );
    }
  }
}
