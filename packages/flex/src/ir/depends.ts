import type { Input, Node } from './node.ts';
import { ordered } from './order.ts';

/**
 * The inputs that a value depends on; captures are not among them.
 *
 * @example
 * inputsOf(read.args[0]) // Set { 'h' }: every query and key of a head adds to the same element
 */
export function inputsOf(...roots: readonly Node[]): Set<Input> {
  const inputs = ordered(roots).filter((node) => node.op === 'input');
  return new Set(inputs.map((node) => node.data as Input));
}
