import type { ParamSlots } from '../buffers/param-slots.ts';
import { Binding, type Bound, type CreateGroup } from './binding.ts';
import { checkBuffers } from './check.ts';
import type { Dispatch } from './kernel.ts';

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
