/** Random programs: a small typed syntax tree that prints as source text and that a reference can evaluate. */
export type Expr =
  | { readonly kind: 'literal'; readonly value: number }
  | { readonly kind: 'name'; readonly text: string }
  | { readonly kind: 'table'; readonly name: string; readonly indices: readonly Expr[] }
  | { readonly kind: 'unary'; readonly op: string; readonly a: Expr }
  | { readonly kind: 'binary'; readonly op: string; readonly a: Expr; readonly b: Expr }
  | { readonly kind: 'math'; readonly name: string; readonly args: readonly Expr[] }
  | { readonly kind: 'choice'; readonly test: Expr; readonly a: Expr; readonly b: Expr };

export type Stmt =
  | { readonly kind: 'let'; readonly name: string; readonly value: Expr }
  | { readonly kind: 'assign'; readonly name: string; readonly op: string; readonly value: Expr }
  | {
      readonly kind: 'if';
      readonly test: Expr;
      readonly body: readonly Stmt[];
      readonly otherwise: readonly Stmt[];
    }
  | {
      readonly kind: 'for';
      readonly name: string;
      readonly turns: number;
      readonly body: readonly Stmt[];
    }
  | { readonly kind: 'leave'; readonly how: 'break' | 'continue'; readonly test: Expr }
  | { readonly kind: 'return'; readonly value: Expr };

export interface Program {
  readonly parameters: string;
  readonly body: readonly Stmt[];
}

export function printExpr(e: Expr): string {
  switch (e.kind) {
    case 'literal':
      return e.value < 0 || Object.is(e.value, -0) ? `(${e.value})` : String(e.value);
    case 'name':
      return e.text;
    case 'table':
      return `${e.name}${e.indices.map((index) => `[${printExpr(index)}]`).join('')}`;
    case 'unary':
      return `${e.op}(${printExpr(e.a)})`;
    case 'binary':
      return `(${printExpr(e.a)} ${e.op} ${printExpr(e.b)})`;
    case 'math':
      return `Math.${e.name}(${e.args.map(printExpr).join(', ')})`;
    case 'choice':
      return `(${printExpr(e.test)} ? ${printExpr(e.a)} : ${printExpr(e.b)})`;
  }
}

const printBlock = (body: readonly Stmt[]): string => `{ ${body.map(printStmt).join(' ')} }`;

function printStmt(s: Stmt): string {
  switch (s.kind) {
    case 'let':
      return `let ${s.name} = ${printExpr(s.value)};`;
    case 'assign':
      return `${s.name} ${s.op} ${printExpr(s.value)};`;
    case 'if': {
      const otherwise = s.otherwise.length > 0 ? ` else ${printBlock(s.otherwise)}` : '';
      return `if (${printExpr(s.test)}) ${printBlock(s.body)}${otherwise}`;
    }
    case 'for':
      return `for (let ${s.name} = 0; ${s.name} < ${s.turns}; ${s.name}++) ${printBlock(s.body)}`;
    case 'leave':
      return `if (${printExpr(s.test)}) ${s.how};`;
    case 'return':
      return `return ${printExpr(s.value)};`;
  }
}

/** The program as the source text of an arrow function. */
export function printProgram({ parameters, body }: Program): string {
  return `(${parameters}) => ${printBlock(body)}`;
}
