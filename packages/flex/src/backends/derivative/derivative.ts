import { CompileError } from '@heed/core';
import type { Graph, Node } from '../../ir/node.ts';
import { ordered } from '../../ir/order.ts';
import { elementType, type TableSlot } from '../../ir/slot.ts';
import { rules } from './rules.ts';

/** What one read of a float table adds to its gradient: dScore · `value`, at `indices` once they are clamped. */
export interface TableDerivative {
  readonly slot: TableSlot;
  readonly indices: readonly Node[];
  readonly value: Node;
}

/** The derivatives of a score mod's result, as nodes of its own graph. */
export interface Derivative {
  /** By the incoming score. */
  readonly score: Node;
  /** By each element read; a table that is read at two places is there twice. */
  readonly tables: readonly TableDerivative[];
}

/** The most operations that the derivatives of one mod may consist of, counted for each element read. */
const MAX_OPERATIONS = 65_536;

/**
 * The derivative of a score mod. Forward mode, once for each leaf: a branch that is not taken then never gets to be
 * multiplied with what it would have been (0 · ∞ is not 0), and what the passes share is one node.
 * @throws CompileError it has so many reads that it would not end
 */
export function derive(graph: Graph, root: Node): Derivative {
  const nodes = ordered([root]);
  let left = MAX_OPERATIONS;
  const tables: TableDerivative[] = [];
  for (const [i, read] of nodes.entries()) {
    const slot = read.data as TableSlot;
    if (read.op !== 'read' || elementType(slot) !== 'f32') continue;
    const value = tangent(nodes, read, i);
    if (!value) continue;
    left -= ordered([value]).length;
    if (left < 0) throw tooLong(tables.length);
    tables.push({ slot, indices: read.args, value });
  }
  const score = graph.input('score');
  const ofScore = tangent(nodes, score, Math.max(nodes.indexOf(score), 0));
  return { score: ofScore ?? graph.f32(0), tables };
}

function tooLong(reads: number): CompileError {
  return new CompileError(
    `flex: the derivatives by the first ${reads} table elements of the scoreMod consist of more than ${MAX_OPERATIONS} operations. Read fewer elements, or combine them in a table beforehand.`,
  );
}

/** d(last node) / d(leaf), the node at that index; nothing where it is 0 everywhere. */
function tangent(nodes: readonly Node[], leaf: Node, index: number): Node | undefined {
  const tangents = new Map<Node, Node | undefined>([[leaf, leaf.graph.f32(1)]]);
  for (let i = index; i < nodes.length; i++) {
    const node = nodes[i]!;
    if (node === leaf || node.type !== 'f32') continue;
    const { op, args } = node;
    if (!args.some((arg) => tangents.has(arg))) continue;
    const ofArgs = args.map((arg) => tangents.get(arg));
    if (ofArgs.some(Boolean)) tangents.set(node, rules[op]?.(node, args, ofArgs));
  }
  return tangents.get(nodes.at(-1)!);
}
