import type { BufferRange } from '../text/buffer-range.ts';
import { checkBuffers, type Dispatch, type Kernel } from '../text/kernel-dispatch.ts';
import type { ParamRange, ParamRanges } from './param-ranges.ts';

/** A bind group of one kernel. */
export interface BindGroup {
  readonly group: GPUBindGroup;
  /** True if heed owns all of its buffers: the caller may destroy any other. */
  readonly isOwned: boolean;
  /** True once a submit with it has succeeded. */
  isProven: boolean;
  /** True if the GPU refused to create it. */
  isRefused: boolean;
}

/** A bind group that serves again, with the memory of its parameters. */
interface CachedGroup {
  readonly bound: BindGroup;
  readonly params: ParamRange | undefined;
}

/** Creates a bind group of a kernel from its buffers and the range of its parameters. Calls `refused` if the GPU refuses it. */
export type CreateGroup = (
  kernel: Kernel,
  buffers: readonly BufferRange[],
  params: BufferRange | undefined,
  refused: () => void,
) => GPUBindGroup;

/**
 * The bind groups of one kernel with one list of buffers. They differ in their parameters: there are as many as unsubmitted work
 * needs at the same time.
 */
class GroupList {
  readonly #kernel: Kernel;
  readonly #ranges: readonly BufferRange[];
  readonly #groups: CachedGroup[] = [];
  // Where the search begins. Each submit begins at 0, since a batch usually repeats the parameters of the last one in order.
  #next = 0;
  #submit = 0;

  /** @param maxSize bytes of the largest storage binding */
  constructor({ kernel, buffers }: Dispatch, maxSize: number) {
    this.#kernel = kernel;
    // Views that begin at one place, such as a growing cache, are then bound once.
    this.#ranges = buffers.map((range, i) => (isOpen(kernel, i) ? toEnd(range, maxSize) : range));
  }

  get count(): number {
    return this.#groups.length;
  }

  /** True if a dispatch has this kernel, and its ranges are these, or begin where these do if they are bound to the end. */
  fits({ kernel, buffers }: Dispatch): boolean {
    const ranges = this.#ranges;
    if (kernel !== this.#kernel || buffers.length !== ranges.length) return false;
    for (let i = 0; i < ranges.length; i++) {
      const a = ranges[i]!;
      const b = buffers[i]!;
      if (a.buffer !== b.buffer || a.offset !== b.offset) return false;
      if (isOpen(kernel, i) ? a.size < b.size : a.size !== b.size) return false;
    }
    return true;
  }

  /** Returns the group whose memory holds these parameters at the next submit; copies them. */
  groupFor(all: ParamRanges, params: Uint32Array | undefined, create: CreateGroup): BindGroup {
    const groups = this.#groups;
    if (this.#submit !== all.submit) this.#next = 0;
    this.#submit = all.submit;
    for (let i = 0; i < groups.length; i++) {
      const at = (this.#next + i) % groups.length;
      const one = groups[at]!;
      if (one.params && params && !all.offer(one.params, params)) continue;
      this.#next = at + 1;
      return one.bound;
    }
    const range = params && all.take(params);
    const made: CachedGroup = {
      params: range,
      bound: makeGroup(create, this.#kernel, this.#ranges, range, () => {
        // The next dispatch creates it again, so that its error is reported again.
        groups.splice(groups.indexOf(made), 1);
      }),
    };
    this.#next = groups.push(made);
    return made.bound;
  }
}

/** Whether a range is bound to the end of its buffer. */
const isOpen = ({ source }: Kernel, binding: number): boolean =>
  source.readsToEnd === true && source.bindings[binding] === 'read';

/** Extends a range to the end of its buffer, or as far as one binding reaches. */
function toEnd(range: BufferRange, maxSize: number): BufferRange {
  const rest = Math.min(range.buffer.size - range.offset, maxSize);
  return { ...range, size: Math.max(range.size, rest - (rest % 4)) };
}

/**
 * Creates a bind group.
 * @param refused called if the GPU refuses it
 */
export function makeGroup(
  create: CreateGroup,
  kernel: Kernel,
  buffers: readonly BufferRange[],
  params: BufferRange | undefined,
  refused: () => void = () => {},
): BindGroup {
  const group = create(kernel, buffers, params, () => {
    made.isRefused = true;
    refused();
  });
  const isOwned = buffers.every(({ owned }) => owned === true);
  const made: BindGroup = { group, isOwned, isProven: false, isRefused: false };
  return made;
}

/** Returns a function that creates bind groups on a device. */
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

/** Number of groups after which all are forgotten: far more than the steps of a large model need. */
export const maxGroups = 2048;

/** Continues a list of buffers by its next buffer; holds the groups of the lists that end here. */
class Node {
  readonly next = new WeakMap<object, Node>();
  readonly lists: GroupList[] = [];
}

/**
 * Finds the bind group of a dispatch, or creates it. Creating one costs the host more than the rest of a dispatch, so each is
 * kept with memory for its parameters. A group lasts as long as all its buffers and keeps none of them alive: it is held by a chain of
 * weak maps, one per buffer. A hash finds it first, because following the chain touches much memory.
 */
export class BindGroups {
  readonly #params: ParamRanges;
  readonly #create: CreateGroup;
  readonly #maxSize: number;
  readonly #numbers = new WeakMap<object, number>();
  #nextNumber = 1;
  #root = new Node();
  #byHash = new Map<number, WeakRef<GroupList>>();
  #made = 0;

  /** @param maxSize bytes of the largest storage binding */
  constructor(params: ParamRanges, create: CreateGroup, maxSize: number) {
    this.#params = params;
    this.#create = create;
    this.#maxSize = maxSize;
  }

  /**
   * Returns the group of a dispatch; copies its parameters.
   * @throws ValidationError the dispatch would read and write one buffer
   */
  get(d: Dispatch): BindGroup {
    const hash = this.#hash(d);
    const known = this.#byHash.get(hash)?.deref();
    if (known?.fits(d)) return this.#groupOf(known, d);
    const list = this.#held(d);
    this.#byHash.set(hash, new WeakRef(list));
    return this.#groupOf(list, d);
  }

  /** Forgets all groups and the ranges of their parameters. */
  clear(): void {
    this.#root = new Node();
    this.#byHash = new Map();
    this.#params.clear();
    this.#made = 0;
  }

  #groupOf(list: GroupList, { params }: Dispatch): BindGroup {
    const { count } = list;
    const group = list.groupFor(this.#params, params, this.#create);
    this.#made += list.count - count;
    return group;
  }

  #hash({ kernel, buffers }: Dispatch): number {
    let hash = this.#numberOf(kernel);
    for (let i = 0; i < buffers.length; i++) {
      const { buffer, offset, size } = buffers[i]!;
      hash = Math.imul(hash, 31) + this.#numberOf(buffer);
      hash = (Math.imul(hash, 31) + offset) | 0;
      if (!isOpen(kernel, i)) hash = (Math.imul(hash, 31) + size) | 0;
    }
    return hash;
  }

  #numberOf(x: object): number {
    let n = this.#numbers.get(x);
    if (n === undefined) this.#numbers.set(x, (n = this.#nextNumber++));
    return n;
  }

  #held(d: Dispatch): GroupList {
    if (this.#made >= maxGroups) this.clear();
    let node = follow(this.#root, d.kernel);
    for (const { buffer } of d.buffers) node = follow(node, buffer);
    const known = node.lists.find((list) => list.fits(d));
    if (known) return known;
    checkBuffers(d);
    const list = new GroupList(d, this.#maxSize);
    node.lists.push(list);
    return list;
  }
}

function follow(node: Node, key: object): Node {
  let next = node.next.get(key);
  if (!next) node.next.set(key, (next = new Node()));
  return next;
}
