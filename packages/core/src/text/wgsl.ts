import type { KernelSource } from './kernel-dispatch.ts';

/** A value in a {@link wgsl} template. */
export type WgslPart = string | number | boolean | null | undefined | readonly WgslPart[];

// Marks of a part that is not yet inserted, and of one that is empty: a line with nothing else is dropped.
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
 * Makes WGSL text from a template: removes the common indent, drops a line whose only content is an empty interpolation
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

/** Joins the parts of a kernel with blank lines; leaves out empty parts. */
export function sections(...parts: readonly (string | false | undefined)[]): string {
  return parts.filter((part) => part !== false && part !== undefined && part !== '').join('\n\n');
}

/** Returns source text with line numbers from 1, as compilers count. */
export function numberedSource(code: string): string {
  const lines = code.split('\n');
  const width = String(lines.length).length;
  return lines.map((line, i) => `${String(i + 1).padStart(width)} | ${line}`.trimEnd()).join('\n');
}

/** Threads per workgroup of kernels that compute one result per thread. */
export const WORKGROUP = 64;

/** Returns the entry point of a kernel. `name` holds the number of the thread in `body`, which must return if it is too large. */
export function threadMain(name: string, body: string): string {
  return wgsl`
    @compute @workgroup_size(${WORKGROUP})
    fn main(
      @builtin(workgroup_id) workgroup: vec3<u32>,
      @builtin(num_workgroups) workgroups: vec3<u32>,
      @builtin(local_invocation_index) lane: u32,
    ) {
      let ${name} = (workgroup.x + workgroup.y * workgroups.x) * ${WORKGROUP}u + lane;
      ${body}
    }
  `;
}

/** Caches the sources of a kernel by key: generating a text costs more than a dispatch, and the pipeline is found by the source's identity. */
export function memoized<Config, Source extends KernelSource>(
  key: (config: Config) => string,
  make: (config: Config) => Source,
): (config: Config) => Source {
  const made = new Map<string, Source>();
  return (config) => {
    const name = key(config);
    let source = made.get(name);
    if (!source) made.set(name, (source = make(config)));
    return source;
  };
}
