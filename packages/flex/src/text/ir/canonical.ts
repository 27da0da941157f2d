import type { Graph, Node, ScalarSlot, Slot, TableSlot } from './expression-node.ts';
import { createGraph } from './graph.ts';
import { printGraph } from './print-graph.ts';
import { ordered } from './traversal.ts';

/** A graph that holds the nodes of one value and no others, numbered in the order in which that value uses them. */
export interface Canonical {
  readonly graph: Graph;
  readonly root: Node;
  readonly scalars: readonly ScalarSlot[];
  readonly tables: readonly TableSlot[];
}

/**
 * Copies the nodes of a value into a new graph. Everything made from the copy depends on the computation only: not on how the
 * source was written, nor on captures that it does not use.
 */
export function canonical(root: Node): Canonical {
  const graph = createGraph();
  // A tensor captured under two names has two slots with the same index.
  const slots = new Map<string, Slot>();
  const count = { scalar: 0, table: 0 };
  const renumber = (slot: Slot): Slot => {
    const key = `${slot.kind}${slot.index}${slot.kind === 'scalar' ? slot.type : ''}`;
    const known = slots.get(key) ?? { ...slot, index: count[slot.kind]++ };
    slots.set(key, known);
    return known;
  };
  const copies = new Map<Node, Node>();
  for (const node of ordered([root])) {
    const { args, data } = node;
    const ownData = typeof data === 'object' ? renumber(data as Slot) : data;
    copies.set(
      node,
      graph.adopt(
        node,
        args.map((arg) => copies.get(arg)!),
        ownData,
      ),
    );
  }
  const own = [...slots.values()];
  return {
    graph,
    root: copies.get(root)!,
    scalars: own.filter((slot) => slot.kind === 'scalar'),
    tables: own.filter((slot) => slot.kind === 'table'),
  };
}

/**
 * Returns the text of a graph in canonical order, without any name of the source: a function and its minified form have the
 * same text.
 */
function canonicalText(root: Node): string {
  return printGraph(root);
}

/** Returns the hash of a mod: equal for equal computations on captures of the same types. */
export function modHash(kind: string, root: Node): string {
  return hashText(`${kind}\n${canonicalText(root)}`);
}

/** Returns the 64-bit FNV-1a hash of the characters of `text`, as 16 hexadecimal digits. */
function hashText(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const character of text) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(character.codePointAt(0)!)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}
