import { typescriptLanguage } from '@codemirror/lang-javascript';
import type { SyntaxNodeRef } from '@lezer/common';

const whole = new Set([
  'TypeAnnotation',
  'TypePredicate',
  'TypeParamList',
  'TypeArgList',
  'InterfaceDeclaration',
  'TypeAliasDeclaration',
  'AmbientDeclaration',
  'Optional',
]);

/**
 * TypeScript without its types: each is overwritten with spaces, so that every position and line stays where it was.
 * The editor's own parser finds them.
 */
export function stripTypes(text: string): string {
  const units = text.split('');
  typescriptLanguage.parser.parse(text).iterate({
    enter(node) {
      const end = typeEnd(node);
      if (end === undefined) return true;
      for (let i = node.from; i < end; i++) if (!/\s/.test(units[i]!)) units[i] = ' ';
      return false;
    },
  });
  return units.join('');
}

/** Where the type that begins with this node ends, or undefined where none does. */
function typeEnd({ name, node, to }: SyntaxNodeRef): number | undefined {
  if (whole.has(name)) return to;
  const parent = node.parent;
  if (name === 'ImportDeclaration' && node.getChild('type')) return to;
  if (name === 'type' && parent?.name === 'ImportGroup') return to;
  if ((name === 'as' || name === 'satisfies') && parent?.name === 'BinaryExpression')
    return parent.to;
  if (name === 'LogicOp' && parent?.name === 'PostfixExpression') return to;
  return undefined;
}
