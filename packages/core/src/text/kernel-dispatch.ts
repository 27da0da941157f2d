import { type BufferRange, chunkBytes } from './buffer-range.ts';
import { LimitError, ValidationError } from './errors.ts';
import { formatShape } from './shape.ts';

/** How a kernel uses a binding. Its index in the list is `@binding(i)` in `@group(0)`. At most one is a uniform, and it is the last. */
export type BindingKind = 'read' | 'write' | 'uniform';

/** A compute shader and its bindings, which together identify it. */
export interface KernelSource {
  readonly label: string;
  readonly code: string;
  readonly bindings: readonly BindingKind[];
  /** Default 'main'. */
  readonly entryPoint?: string;
  /**
   * Whether ranges that it reads may be bound to the end of their buffers, so that views that grow share a bind group. Then
   * `arrayLength` does not tell the size of a range. Default false.
   */
  readonly readsToEnd?: boolean;
  /** Bytes of its uniform, if they are known; all params have at least as many. */
  readonly uniformBytes?: number;
}

/** A compiled {@link KernelSource}. */
export interface Kernel {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly source: KernelSource;
}

/** One launch of a kernel; `buffers[i]` is bound to `@binding(i)`. */
export interface Dispatch {
  readonly kernel: Kernel;
  readonly buffers: readonly BufferRange[];
  /** Contents of the kernel's uniform, at most 64 KiB; copied by the dispatch. */
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
      `dispatch: kernel "${kernel.label}" binds ${count} buffers; got ${buffers.length}. Pass one per binding that is no uniform.`,
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
        `dispatch: workgroup counts must be whole numbers from 0 on; got ${formatShape(workgroups)} for "${kernel.label}". Round them up.`,
      );
    }
    if (n > max) {
      throw new LimitError(
        `dispatch: at most ${max} workgroups per dimension; got ${formatShape(workgroups)} for "${kernel.label}". Fold them with dispatchGrid().`,
      );
    }
  }
}

/** @throws ValidationError the dispatch would read and write one buffer */
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
