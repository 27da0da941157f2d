import type { BufferRange } from '../text/buffer-range.ts';
import { checkBuffers, type Dispatch, type Kernel } from '../text/kernel-dispatch.ts';
import type { ParamSlot, ParamSlots } from './param-slots.ts';

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
type CreateGroup = (
  kernel: Kernel,
  buffers: readonly BufferRange[],
  params: BufferRange | undefined,
  refused: () => void,
) => GPUBindGroup;

/** A kernel with its buffers: one bind group, or as many as unsubmitted work needs parameters at once. */
class Binding {
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

/** Groups made before all are forgotten: far more than the steps of a large model need. */
export const maxGroups = 2048;

/** What follows the first buffers of a list; at its end the bindings of the list. */
class Node {
  readonly next = new WeakMap<object, Node>();
  readonly bindings: Binding[] = [];
}

/**
 * Bind groups, made once for a kernel and what it binds: to make one costs the host more than all else of a dispatch. Each
 * keeps a place for its parameters. A group lives as long as all buffers that it binds, and keeps none of them alive: a chain
 * of weak maps, one for each buffer, holds it. It is found by a hash, since going down the chain touches a lot of memory.
 */
export class BindGroups {
  readonly #slots: ParamSlots;
  readonly #create: CreateGroup;
  readonly #numbers = new WeakMap<object, number>();
  #nextNumber = 1;
  #root = new Node();
  #byHash = new Map<number, WeakRef<Binding>>();
  #made = 0;

  constructor(slots: ParamSlots, create: CreateGroup) {
    this.#slots = slots;
    this.#create = create;
  }

  /**
   * What a dispatch binds; its parameters are copied.
   * @throws ValidationError it would read and write one buffer
   */
  get(d: Dispatch): Bound {
    const hash = this.#hash(d);
    const known = this.#byHash.get(hash)?.deref();
    if (known?.fits(d)) return this.#boundTo(known, d);
    const binding = this.#held(d);
    this.#byHash.set(hash, new WeakRef(binding));
    return this.#boundTo(binding, d);
  }

  clear(): void {
    this.#root = new Node();
    this.#byHash = new Map();
    this.#slots.clear();
    this.#made = 0;
  }

  #boundTo(binding: Binding, { params }: Dispatch): Bound {
    const { count } = binding;
    const bound = binding.bound(this.#slots, params, this.#create);
    this.#made += binding.count - count;
    return bound;
  }

  #hash({ kernel, buffers }: Dispatch): number {
    let hash = this.#numberOf(kernel);
    for (let i = 0; i < buffers.length; i++) {
      const { buffer, offset, size } = buffers[i]!;
      hash = Math.imul(hash, 31) + this.#numberOf(buffer);
      hash = Math.imul(hash, 31) + offset;
      hash = (Math.imul(hash, 31) + size) | 0;
    }
    return hash;
  }

  #numberOf(x: object): number {
    let n = this.#numbers.get(x);
    if (n === undefined) this.#numbers.set(x, (n = this.#nextNumber++));
    return n;
  }

  #held(d: Dispatch): Binding {
    if (this.#made >= maxGroups) this.clear();
    let node = follow(this.#root, d.kernel);
    for (const { buffer } of d.buffers) node = follow(node, buffer);
    const known = node.bindings.find((binding) => binding.fits(d));
    if (known) return known;
    checkBuffers(d);
    const binding = new Binding(d);
    node.bindings.push(binding);
    return binding;
  }
}

function follow(node: Node, key: object): Node {
  let next = node.next.get(key);
  if (!next) node.next.set(key, (next = new Node()));
  return next;
}
