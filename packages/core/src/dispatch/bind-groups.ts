import type { BufferRange } from '../buffers/range.ts';
import type { Dispatch } from './kernel.ts';

/** Groups made before all are forgotten: far more than the steps of a large model need. */
export const maxGroups = 2048;

/** What follows the first buffers of a list; at its end the groups of the list. */
class Node {
  readonly next = new WeakMap<object, Node>();
  readonly groups: Entry[] = [];
}

interface Entry {
  readonly kernel: Kernel;
  readonly ranges: readonly BufferRange[];
  readonly group: GPUBindGroup;
}

type Kernel = Dispatch['kernel'];

/**
 * Bind groups, made once for a kernel and what it binds: to make one costs the host more than all else of a dispatch.
 * Where a uniform lies is left to dynamic offsets. A group lives as long as all buffers that it binds, and keeps none of them
 * alive: a chain of weak maps, one for each buffer, holds it. It is found by a hash, since going down the chain touches a lot
 * of memory.
 */
export class BindGroups {
  readonly #device: GPUDevice;
  readonly #numbers = new WeakMap<object, number>();
  #nextNumber = 1;
  #root = new Node();
  #byHash = new Map<number, WeakRef<Entry>>();
  #made = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  get(d: Dispatch): GPUBindGroup {
    const hash = this.#hash(d);
    const known = this.#byHash.get(hash)?.deref();
    if (known && isSame(known, d)) return known.group;
    const entry = this.#held(d);
    this.#byHash.set(hash, new WeakRef(entry));
    return entry.group;
  }

  clear(): void {
    this.#root = new Node();
    this.#byHash = new Map();
    this.#made = 0;
  }

  #hash({ kernel, buffers }: Dispatch): number {
    const { bindings } = kernel.source;
    let hash = this.#numberOf(kernel);
    for (let i = 0; i < buffers.length; i++) {
      const { buffer, offset, size } = buffers[i]!;
      hash = Math.imul(hash, 31) + this.#numberOf(buffer);
      hash = Math.imul(hash, 31) + (bindings[i] === 'uniform' ? 0 : offset);
      hash = (Math.imul(hash, 31) + size) | 0;
    }
    return hash;
  }

  #numberOf(x: object): number {
    let n = this.#numbers.get(x);
    if (n === undefined) this.#numbers.set(x, (n = this.#nextNumber++));
    return n;
  }

  #held(d: Dispatch): Entry {
    let node = follow(this.#root, d.kernel);
    for (const { buffer } of d.buffers) node = follow(node, buffer);
    const known = node.groups.find((entry) => isSame(entry, d));
    if (known) return known;
    if (this.#made === maxGroups) {
      this.clear();
      return this.#held(d);
    }
    this.#made++;
    const { kernel, buffers } = d;
    const entry = { kernel, ranges: [...buffers], group: createGroup(this.#device, d) };
    node.groups.push(entry);
    return entry;
  }
}

function follow(node: Node, key: object): Node {
  let next = node.next.get(key);
  if (!next) node.next.set(key, (next = new Node()));
  return next;
}

/** Whether a group binds what a dispatch does, but for where its uniforms lie. */
function isSame({ kernel, ranges }: Entry, d: Dispatch): boolean {
  if (kernel !== d.kernel) return false;
  const { bindings } = kernel.source;
  for (let i = 0; i < ranges.length; i++) {
    const [a, b] = [ranges[i]!, d.buffers[i]!];
    if (a === b) continue;
    if (a.buffer !== b.buffer || a.size !== b.size) return false;
    if (a.offset !== b.offset && bindings[i] !== 'uniform') return false;
  }
  return true;
}

/** A group whose uniforms begin at their buffers, for dynamic offsets to move. */
export function createGroup(device: GPUDevice, { kernel, buffers }: Dispatch): GPUBindGroup {
  const { label, layout, source } = kernel;
  const entries = buffers.map((range, binding) => ({
    binding,
    resource: source.bindings[binding] === 'uniform' ? { ...range, offset: 0 } : range,
  }));
  return device.createBindGroup({ label, layout, entries });
}
