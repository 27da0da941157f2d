import { withoutComments } from './wgsl-text.ts';

/** What WGSL allows and naga, the compiler of Firefox and Deno, lacks; by what it is called in a finding. */
const gaps: Readonly<Record<string, RegExp>> = {
  'a language feature is required': /^\s*requires\b[^;]*/gm,
  'a pointer to a buffer or to workgroup memory as a parameter':
    /:\s*ptr\s*<\s*(?:storage|workgroup|uniform)\b[^>]*/g,
  'a swizzle is assigned to': /\.(?:[xyzw]{2,4}|[rgba]{2,4})\s*(?:[-+*/%&|^]|<<|>>)?=(?!=)/g,
  'a bitcast to halves': /\bbitcast\s*<\s*(?:f16|vec[24]h|vec[24]\s*<\s*f16\s*>)\s*>/g,
  'a bitcast of halves':
    /\bbitcast\s*<[^(;]*>\s*\(\s*(?:f16|vec[24]h|vec[24]\s*<\s*f16\s*>)\s*\([^)]*/g,
};

/** As `line: gap: text`, in the order of the text; naga refuses these, and brings its process down over some. */
export function nagaGaps(code: string): string[] {
  const text = withoutComments(code);
  const found = Object.entries(gaps).flatMap(([gap, pattern]) =>
    [...text.matchAll(pattern)].map(({ 0: match, index }) => ({ gap, match, index })),
  );
  return [...found, ...elementPointers(text)]
    .toSorted((a, b) => a.index - b.index)
    .map(({ gap, match, index }) => {
      const before = text.slice(0, index + match.search(/\S/));
      return `${before.split('\n').length}: ${gap}: ${match.trim()}`;
    });
}

/** Pointers to an element or a member as arguments of the text's own functions; built-in ones may have them. */
function elementPointers(text: string): { gap: string; match: string; index: number }[] {
  const declared = new Set([...text.matchAll(/\bfn\s+(\w+)/g)].map((match) => match[1]));
  const gap = 'a pointer to a part as an argument';
  return [...text.matchAll(/(\bfn\s+)?\b(\w+)\s*\(/g)]
    .filter(({ 1: declaration, 2: name }) => declaration === undefined && declared.has(name))
    .flatMap(({ 0: head, index }) => {
      const start = index + head.length;
      const args = text.slice(start, closing(text, start));
      return [...args.matchAll(/(?<=^\s*|,\s*)&\s*\w+\s*[.[][^,]*/g)].map(
        ({ 0: match, index: at }) => ({ gap, match, index: start + at }),
      );
    });
}

/** Where the bracket that was opened before `start` is closed. */
function closing(text: string, start: number): number {
  let depth = 1;
  for (let i = start; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')' && --depth === 0) return i;
  }
  return text.length;
}
