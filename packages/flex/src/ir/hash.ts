import type { Node } from './node.ts';
import { printGraph } from './print.ts';

/**
 * Text that is the same for the same computation, of a graph in canonical order (canonical.ts): no name enters it. So a
 * function and its minified twin have one text.
 */
export function canonicalText(root: Node): string {
  return printGraph(root);
}

/** What names a mod: equal for the same computation on captures of the same types. */
export function modHash(kind: string, root: Node): string {
  return hashText(`${kind}\n${canonicalText(root)}`);
}

/** 64 bits of FNV-1a over the characters of `text`, as 16 hexadecimal digits. */
export function hashText(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const character of text) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(character.codePointAt(0)!)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}
