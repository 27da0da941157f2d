import type { Graph, Node, ScalarSlot, Slot, TableSlot } from './expression-node.ts';
import { createGraph } from './graph.ts';
import { printGraph } from './print-graph.ts';
import { ordered } from './traversal.ts';

/** A graph of just what one value needs, numbered by that value alone. */
export interface Canonical {
  readonly graph: Graph;
  readonly root: Node;
  readonly scalars: readonly ScalarSlot[];
  readonly tables: readonly TableSlot[];
}

/**
 * Copies what a value needs into a graph of its own, so that all that is made from it depends on the computation only:
 * not on how the source was written, nor on captures that it does not use.
 */
export function canonical(root: Node): Canonical {
  const graph = createGraph();
  // A tensor that is captured under two names has two slots with one index.
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
 * Text that is the same for the same computation, of a graph in canonical order (canonical.ts): no name enters it. So a
 * function and its minified twin have one text.
 */
function canonicalText(root: Node): string {
  return printGraph(root);
}

/** What names a mod: equal for the same computation on captures of the same types. */
export function modHash(kind: string, root: Node): string {
  return hashText(`${kind}\n${canonicalText(root)}`);
}

/** 64 bits of FNV-1a over the characters of `text`, as 16 hexadecimal digits. */
function hashText(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const character of text) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(character.codePointAt(0)!)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}
