import type { Node } from './node.ts';
import { ordered } from './order.ts';
import type { Slot } from './slot.ts';

/**
 * Text that is the same for the same computation, of a graph in canonical order (canonical.ts): no name enters it. So a
 * function and its minified twin have one text.
 */
export function canonicalText(root: Node): string {
  return ordered([root])
    .map(
      ({ op, type, args, data }) =>
        `${op} ${type} ${args.map(({ id }) => id).join()} ${dataText(data)}`,
    )
    .join('\n');
}

function dataText(data: Node['data']): string {
  if (typeof data !== 'object') return Object.is(data, -0) ? '-0' : String(data);
  const slot = data as Slot;
  return slot.kind === 'table' ? `${slot.index} ${slot.dtype} ${slot.rank}` : String(slot.index);
}

/** 64 bits of FNV-1a over the characters of `text`, as 16 hexadecimal digits. */
export function hashText(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}
