import type { Input, Node } from './node.ts';
import { perNode } from './order.ts';

const inputsOfOne = perNode<ReadonlySet<Input>>(({ op, data }, ofArgs) =>
  op === 'input' ? new Set([data as Input]) : union(ofArgs),
);

/**
 * The inputs that a value depends on; captures are not among them.
 *
 * @example
 * inputsOf(read.args[0]) // Set { 'h' }: every query and key of a head adds to the same element
 */
export function inputsOf(...roots: readonly Node[]): ReadonlySet<Input> {
  return union(roots.map(inputsOfOne));
}

const NONE: ReadonlySet<Input> = new Set();

/** The union; the first of the sets where it holds the others. */
function union([first = NONE, ...others]: readonly ReadonlySet<Input>[]): ReadonlySet<Input> {
  const more = others.flatMap((set) => [...set].filter((input) => !first.has(input)));
  return more.length > 0 ? new Set([...first, ...more]) : first;
}
