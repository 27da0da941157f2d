import type { ParamSlot, ParamSlots } from '../buffers/param-slots.ts';
import type { BufferRange } from '../buffers/range.ts';
import type { Dispatch, Kernel } from './kernel.ts';

/** A bind group, and where its parameters lie. */
export interface Bound {
  readonly group: GPUBindGroup;
  readonly slot: ParamSlot | undefined;
  /** Whether all of its buffers are heed's: others may be destroyed. */
  readonly isOwned: boolean;
  /** Whether a submit has succeeded with it. */
  isProven: boolean;
  /** Whether the GPU refused to make it. */
  isRefused: boolean;
}

/** Makes a bind group of a kernel's: its buffers, and where its parameters lie. `refused` hears when the GPU would not. */
export type CreateGroup = (
  kernel: Kernel,
  buffers: readonly BufferRange[],
  params: BufferRange | undefined,
  refused: () => void,
) => GPUBindGroup;

/** A kernel with its buffers: one bind group, or as many as unsubmitted work needs parameters at once. */
export class Binding {
  readonly #kernel: Kernel;
  readonly #ranges: readonly BufferRange[];
  readonly #bound: Bound[] = [];
  // Where the search begins. Each submit begins anew: a batch asks for the same parameters in the same order.
  #next = 0;
  #submit = 0;

  constructor({ kernel, buffers }: Dispatch) {
    this.#kernel = kernel;
    this.#ranges = [...buffers];
  }

  get count(): number {
    return this.#bound.length;
  }

  /** Whether it binds what a dispatch does, but for its parameters. */
  fits({ kernel, buffers }: Dispatch): boolean {
    const ranges = this.#ranges;
    if (kernel !== this.#kernel || buffers.length !== ranges.length) return false;
    for (let i = 0; i < ranges.length; i++) {
      const [a, b] = [ranges[i]!, buffers[i]!];
      if (a === b) continue;
      if (a.buffer !== b.buffer || a.offset !== b.offset || a.size !== b.size) return false;
    }
    return true;
  }

  /** The group that has these parameters in the next submit; they are copied. */
  bound(slots: ParamSlots, params: Uint32Array | undefined, create: CreateGroup): Bound {
    const bound = this.#bound;
    if (this.#submit !== slots.submit) this.#next = 0;
    this.#submit = slots.submit;
    for (let i = 0; i < bound.length; i++) {
      const at = (this.#next + i) % bound.length;
      const one = bound[at]!;
      if (one.slot && params && !slots.offer(one.slot, params)) continue;
      this.#next = at + 1;
      return one;
    }
    const slot = params && slots.take(params);
    const group = create(this.#kernel, this.#ranges, slot, () => {
      made.isRefused = true;
      // To be made, and reported, anew.
      bound.splice(bound.indexOf(made), 1);
    });
    const isOwned = this.#ranges.every((range) => range.owned === true);
    const made: Bound = { group, slot, isOwned, isProven: false, isRefused: false };
    this.#next = bound.push(made);
    return made;
  }
}

/** How groups are made on a device. */
export const createGroupOn =
  (device: GPUDevice) =>
  (
    { label, layout }: Kernel,
    buffers: readonly BufferRange[],
    params: BufferRange | undefined,
  ): GPUBindGroup => {
    const ranges = params ? [...buffers, params] : buffers;
    const entries = ranges.map(({ buffer, offset, size }, binding) => ({
      binding,
      resource: { buffer, offset, size },
    }));
    return device.createBindGroup({ label, layout, entries });
  };
