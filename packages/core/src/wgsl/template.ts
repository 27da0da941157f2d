/** What may stand in a {@link wgsl} template. */
export type WgslPart = string | number | boolean | null | undefined | readonly WgslPart[];

// Stand for a part not yet put in, and for one that came out empty, whose line can go if it holds nothing else.
const PART = '\u0001';
const EMPTY = '\u0000';

function partText(part: WgslPart): string {
  if (part === false || part === null || part === undefined) return '';
  if (typeof part === 'string' || typeof part === 'number' || part === true) return String(part);
  return part
    .map(partText)
    .filter((text) => text !== '')
    .join('\n');
}

/**
 * WGSL text from a template: removes the common indent, drops a line whose only content is an empty interpolation
 * (`false`, `null`, `undefined`, `''`, `[]`), joins arrays with newlines and keeps the indent of multi-line parts.
 *
 * @example
 * wgsl`
 *   fn main() {
 *     ${causal && 'if (key > query) { return; }'}
 *     ${loads}
 *   }
 * `
 */
export function wgsl(strings: TemplateStringsArray, ...parts: WgslPart[]): string {
  const text = strings.join(PART);
  const indents = text
    .split('\n')
    .slice(1)
    .map((line) => line.search(/\S/));
  const indent = Math.min(...indents.filter((spaces) => spaces >= 0));
  const pieces = text.replaceAll(/\n[ \t]+/g, (lead) => `\n${lead.slice(1 + indent)}`).split(PART);
  let out = pieces[0]!;
  parts.forEach((part, i) => {
    const lead = /^[ \t]*/.exec(out.slice(out.lastIndexOf('\n') + 1))![0];
    out += (partText(part) || EMPTY).replaceAll(/\n(?!\n|$)/g, `\n${lead}`) + pieces[i + 1]!;
  });
  const lines = out.split('\n').filter((line) => !/^[\s\0]*\0[\s\0]*$/.test(line));
  if (lines[0]?.trim() === '') lines.shift();
  if (lines.at(-1)?.trim() === '') lines.pop();
  return lines.map((line) => line.replaceAll(EMPTY, '').trimEnd()).join('\n');
}
