import type { BufferRange } from '../buffers/range.ts';
import type { Dispatch } from './kernel.ts';

/** Groups made before all are forgotten: far more than the steps of a large model need. */
export const maxGroups = 2048;

/** What follows the first buffers of a list; at its end the groups, by a hash of what they bind of each buffer. */
class Node {
  readonly next = new WeakMap<object, Node>();
  readonly groups = new Map<number, Entry>();
}

interface Entry {
  readonly ranges: readonly BufferRange[];
  readonly group: GPUBindGroup;
}

/**
 * Bind groups, made once for a kernel and what it binds: to make one costs the host more than all else of a dispatch.
 * A group is found through its buffers, all held weakly, so that it keeps none of them alive. Where a uniform lies is left
 * to dynamic offsets.
 */
export class BindGroups {
  readonly #device: GPUDevice;
  #root = new Node();
  #made = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  get(d: Dispatch): GPUBindGroup {
    const { kernel, buffers } = d;
    const { bindings } = kernel.source;
    let node = follow(this.#root, kernel);
    let hash = 0;
    for (let i = 0; i < buffers.length; i++) {
      const { buffer, offset, size } = buffers[i]!;
      node = follow(node, buffer);
      hash = Math.imul(hash, 31) + (bindings[i] === 'uniform' ? 0 : offset);
      hash = (Math.imul(hash, 31) + size) | 0;
    }
    const known = node.groups.get(hash);
    if (known && isSame(known.ranges, d)) return known.group;
    if (this.#made === maxGroups) {
      this.clear();
      return this.get(d);
    }
    this.#made++;
    const group = createGroup(this.#device, d);
    node.groups.set(hash, { ranges: [...buffers], group });
    return group;
  }

  clear(): void {
    this.#root = new Node();
    this.#made = 0;
  }
}

function follow(node: Node, key: object): Node {
  let next = node.next.get(key);
  if (!next) node.next.set(key, (next = new Node()));
  return next;
}

/** Whether ranges of the same buffers are those of a dispatch, but for where its uniforms lie. */
function isSame(ranges: readonly BufferRange[], { kernel, buffers }: Dispatch): boolean {
  const { bindings } = kernel.source;
  return ranges.every(
    ({ offset, size }, i) =>
      size === buffers[i]!.size && (bindings[i] === 'uniform' || offset === buffers[i]!.offset),
  );
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
