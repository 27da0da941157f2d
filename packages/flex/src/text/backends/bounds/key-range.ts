import { type Graph, isConstant, type Node } from '../../ir/expression-node.ts';
import { add, and, le, max, min, select, sub } from '../../ir/graph.ts';
import { inputsOf, perNode } from '../../ir/traversal.ts';
import { isExact, rules } from './interval-rules.ts';
import { type Interval, MAX, MAX_POSITION, point, type Verdict, where } from './interval.ts';

/** Keys from `first` to before `end`; an absent end is unbounded. */
export interface KeyRange {
  readonly first?: Node;
  readonly end?: Node;
}

/** Returns the bounds of a number that does not depend on the key. */
type BoundsOf = (node: Node) => Interval;
/** Returns the verdict on a condition that does not depend on the key. */
type VerdictOf = (node: Node) => Verdict;

/**
 * Returns the keys that a mask can show to the queries of a block, from the conditions that are linear in `kv`, like
 * `q - kv < window`, and from those that do not depend on the key: none where they hold for no query. The keys bound the loop
 * over key tiles, and are as sound as the classes of blocks.
 */
export function keyRange(root: Node, boundsOf: BoundsOf, verdictOf: VerdictOf): KeyRange {
  const linear = perNode(
    (node, ofArgs: readonly (Linear | undefined)[]) => linearOf(node, ofArgs, boundsOf),
    (node) => !isSum(node) || !differsByKey(node),
  );
  const range = perNode<KeyRange>(
    (node, ofArgs) => {
      const { op, args } = node;
      if (!differsByKey(node)) {
        // A condition on captures alone is the same for all blocks.
        return inputsOf(node).size > 0 ? noneWhere(verdictOf(node).none) : {};
      }
      if (op === 'and') return intersection(ofArgs);
      if (op === 'or') return union(ofArgs);
      const [a, b] = args as [Node, Node];
      if (args.length < 2 || a.type !== 'i32') return {};
      if (op === 'eq') {
        return intersection([le(a, b), le(b, a)].map((part) => comparisonRange(part, linear)));
      }
      return op === 'lt' || op === 'le' ? comparisonRange(node, linear) : {};
    },
    ({ op }) => op !== 'and' && op !== 'or',
  );
  return range(root);
}

const rangeOf = (first: Node | undefined, end: Node | undefined): KeyRange => ({
  ...(first && { first }),
  ...(end && { end }),
});

/** No key where the condition holds, else all. */
function noneWhere(condition: Node): KeyRange {
  if (isConstant(condition, false)) return {};
  const { graph } = condition;
  const [least, most] = [graph.i32(0), graph.i32(MAX)];
  return { first: select(condition, most, least), end: select(condition, least, most) };
}

function intersection([a, b]: readonly KeyRange[]): KeyRange {
  const { first, end } = a!;
  return rangeOf(
    first && b!.first ? max(first, b!.first) : (first ?? b!.first),
    end && b!.end ? min(end, b!.end) : (end ?? b!.end),
  );
}

/** An end of a union is bounded only where both ranges bound it. */
function union([a, b]: readonly KeyRange[]): KeyRange {
  const { first, end } = a!;
  return rangeOf(first && b!.first && min(first, b!.first), end && b!.end && max(end, b!.end));
}

/** The form factor · kv + rest, which does not wrap where the rest is known. */
interface Linear {
  readonly factor: number;
  readonly rest: Interval;
}

function comparisonRange({ op, args }: Node, linear: (node: Node) => Linear | undefined): KeyRange {
  const [a, b] = args as [Node, Node];
  const right = linear(b);
  const left = linear(a.op === 'abs' ? a.args[0]! : a);
  if (!left || !right) return {};
  const range = linearRange(op, left, right);
  if (a.op !== 'abs') return range;
  // |x| < w means x < w and −x < w.
  const mirrored = { factor: -left.factor, rest: negated(left.rest) };
  return intersection([range, linearRange(op, mirrored, right)]);
}

/** The range of kv for which `a < b` or `a <= b` may hold. */
function linearRange(op: string, a: Linear, b: Linear): KeyRange {
  const factor = a.factor - b.factor;
  const [{ lo }, { hi }] = [a.rest, b.rest];
  const known = and(a.rest.known, b.rest.known);
  if (factor === 1) return { end: difference(hi, lo, op === 'le', known, MAX) };
  return factor === -1 ? { first: difference(lo, hi, op === 'lt', known, 0) } : {};
}

/** Returns x − y, or x − y + 1 if `isMore`; `otherwise` where the result is not known or wraps. */
function difference(x: Node, y: Node, isMore: boolean, known: Node, otherwise: number): Node {
  const { graph } = x;
  const one = graph.i32(Number(isMore));
  const from = add(x, one);
  const checks = [isExact('add', [x, one]), isExact('sub', [from, y])];
  return select(checks.reduce(and, known), sub(from, y), graph.i32(otherwise));
}

const negated = (rest: Interval): Interval => rules.neg!(rest, rest);

const isSum = ({ op }: Node): boolean => op === 'neg' || op === 'add' || op === 'sub';

function differsByKey(node: Node): boolean {
  const inputs = inputsOf(node);
  return inputs.has('kv') || inputs.has('kvRow');
}

function linearOf(
  node: Node,
  [a, b]: readonly (Linear | undefined)[],
  boundsOf: BoundsOf,
): Linear | undefined {
  const { op, graph, args } = node;
  if (op === 'input' && node.data === 'kv') return { factor: 1, rest: point(graph.i32(0)) };
  if (!differsByKey(node)) return { factor: 0, rest: boundsOf(node) };
  if (!a || (args.length > 1 && !b)) return undefined;
  const factor = b ? a.factor + (op === 'sub' ? -b.factor : b.factor) : -a.factor;
  const rest = rules[op]!(a.rest, b?.rest as Interval);
  const ends = [isExact('sub', [rest.lo, size(graph)]), isExact('add', [rest.hi, size(graph)])];
  return Math.abs(factor) > 1 ? undefined : { factor, rest: where(rest, ...ends) };
}

/** The largest key. */
const size = (graph: Graph): Node => graph.i32(MAX_POSITION);
