import { parse } from 'acorn';
import { type FunctionText, isFunction } from './parse.ts';
import { ProgramError } from './place.ts';

/**
 * The function of a text, for heed to read its source. Making it calls nothing of the visitor's.
 * @throws ProgramError the text may not mean the same in a script as in a module
 */
export function functionObject({ name, text, start }: FunctionText): Function {
  if (!isOneFunction(text)) {
    throw new ProgramError(
      '<!-- and --> are comments in some places and not in others. Leave them out.',
      { from: start, to: start + text.length },
    );
  }
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval
  const made = new Function(`return (${text}\n)`)() as Function;
  return Object.defineProperty(made, 'name', { value: name });
}

/**
 * Whether a text is one function expression to `new Function` too. It reads scripts, the editor's text is a module, and to
 * a script `<!--` begins a comment: what is one function to the one could close it and go on to the other.
 */
function isOneFunction(text: string): boolean {
  const { body } = parse(`(${text}\n)`, { ecmaVersion: 'latest', sourceType: 'script' });
  const [only] = body;
  return body.length === 1 && only?.type === 'ExpressionStatement' && isFunction(only.expression);
}
