import type { Node } from '../../ir/node.ts';
import { ordered, useCounts } from '../../ir/order.ts';
import { at, type Helper, Level, printConstant, printOperation, type Text } from './expression.ts';

/** What the surroundings of a function body provide. */
export interface BodyNames {
  /** The text of an input, a parameter or a table access. */
  leaf(node: Node, args: readonly Text[]): Text;
  helper(name: Helper): string;
  /** The name of a node that is computed elsewhere. */
  known(node: Node): string | undefined;
}

/** A function body as text: statements that name shared values, and one expression for each root. */
export interface Body {
  readonly lets: readonly string[];
  readonly results: readonly string[];
}

/** Longer expressions are cut up, for the reader. */
const MAX_LENGTH = 100;

/** Writes nodes as WGSL, each once. Names are numbers in order: nothing of the source's text gets through. */
export function writeBody(roots: readonly Node[], names: BodyNames): Body {
  const texts = new Map<Node, Text>();
  const isKnown = (node: Node): boolean => names.known(node) !== undefined;
  const counts = useCounts(roots, isKnown);
  const lets: string[] = [];
  for (const node of ordered(roots, isKnown)) {
    const known = names.known(node);
    if (known !== undefined) {
      texts.set(node, { text: known, level: Level.unary });
      continue;
    }
    const text = writeNode(
      node,
      node.args.map((arg) => texts.get(arg)!),
      names,
    );
    const isShared = counts.get(node)! > 1 && node.op !== 'const' && !/^[\w.]+$/.test(text.text);
    if (node.op !== 'range' && !isShared && text.text.length <= MAX_LENGTH) {
      texts.set(node, text);
      continue;
    }
    texts.set(node, { text: `v${lets.length}`, level: Level.unary });
    lets.push(`let v${lets.length} = ${text.text};`);
  }
  return { lets, results: roots.map((root) => at(Level.chain, texts.get(root)!)) };
}

function writeNode(node: Node, args: readonly Text[], names: BodyNames): Text {
  switch (node.op) {
    case 'const':
      return printConstant(node);
    case 'input':
    case 'param':
    case 'read':
    case 'range':
      return names.leaf(node, args);
    default:
      return printOperation(node, args, (name) => names.helper(name));
  }
}
