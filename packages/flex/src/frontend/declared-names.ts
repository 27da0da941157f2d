import type { Pattern, Statement, VariableDeclaration } from 'acorn';

type Part = Statement | VariableDeclaration | null | undefined;

/** The names that `var` declares in statements, blocks and loops in them included: minifiers move them about. */
export function varNames(statements: readonly Part[]): string[] {
  return statements.flatMap((node) => {
    switch (node?.type) {
      case 'VariableDeclaration':
        return node.kind === 'var' ? node.declarations.flatMap(({ id }) => namesIn(id)) : [];
      case 'BlockStatement':
        return varNames(node.body);
      case 'IfStatement':
        return varNames([node.consequent, node.alternate]);
      case 'ForStatement':
        return varNames([node.init as Part, node.body]);
      default:
        return [];
    }
  });
}

/** The names that `let` and `const` declare in a block itself. */
export function lexicalNames(statements: readonly Statement[]): [name: string, kind: string][] {
  return statements.flatMap((node) => {
    if (node.type !== 'VariableDeclaration' || node.kind === 'var') return [];
    const names = node.declarations.flatMap(({ id }) => namesIn(id));
    return names.map((name): [string, string] => [name, node.kind]);
  });
}

/** The names that a pattern binds; what patterns may not have is refused where they are bound. */
function namesIn(pattern: Pattern): string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name];
    case 'AssignmentPattern':
      return namesIn(pattern.left);
    case 'ArrayPattern':
      return pattern.elements.flatMap((element) => (element ? namesIn(element) : []));
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) =>
        property.type === 'Property' ? namesIn(property.value) : [],
      );
    default:
      return [];
  }
}
