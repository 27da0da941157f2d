/** Removes the comments of WGSL; keeps its line numbers. */
export function withoutComments(code: string): string {
  return code.replaceAll(/\/\/.*$/gm, '').replaceAll(/\/\*[^]*?\*\//g, (text) => {
    return text.replaceAll(/[^\n]/g, '');
  });
}

/**
 * Returns the lines that declare a variable in a function without an initialiser. Dawn's Vulkan output does not reset such a variable
 * in each turn of a loop. Variables at module scope are exempt: they cannot have an initialiser, or are set once.
 */
export function bareVars(code: string): string[] {
  const text = withoutComments(code);
  const bare: string[] = [];
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/[{}]|\bvar\b[^;{}]*;?/g)) {
    if (token === '{') depth++;
    else if (token === '}') depth--;
    else if (depth > 0 && !token.includes('=')) {
      const line = text.slice(0, index).split('\n').length;
      bare.push(`${line}: ${token.trim()}`);
    }
  }
  return bare;
}

const closers: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** Returns the first bracket without a partner; undefined if all have one. */
export function unpairedBracket(code: string): string | undefined {
  const open: string[] = [];
  for (const [bracket] of withoutComments(code).matchAll(/[()[\]{}]/g)) {
    const opener = closers[bracket];
    if (opener === undefined) open.push(bracket);
    else if (open.pop() !== opener) return bracket;
  }
  return open.pop();
}

/** Returns faults of generated text that a person would not write, as `line: fault`. */
export function untidiness(code: string): string[] {
  const faults: string[] = [];
  const lines = code.split('\n');
  let depth = 0;
  lines.forEach((line, i) => {
    const say = (fault: string): number => faults.push(`${i + 1}: ${fault}: ${line}`);
    const bare = line.replace(/\/\/.*$/, '').trim();
    const closing = /^[)}\]]*/.exec(bare)![0].length;
    if (line !== line.trimEnd()) say('space at the end');
    if (line === '' && lines[i - 1] === '' && i < lines.length - 1) say('doubled blank line');
    if (line === '' && /[{(]$/.test(lines[i - 1] ?? '')) say('blank line after an opening');
    if (line === '' && /^\s*[})]/.test(lines[i + 1] ?? '')) say('blank line before a closing');
    if (line !== '' && line.search(/\S/) !== 2 * (depth - closing)) say('indent');
    if (/\b(?:undefined|NaN|null|false|\[object)\b/.test(bare)) say('a value of the generator');
    if (/[+*-] 0u?\b(?!\.)|\* 1u?\b(?!\.)/.test(bare)) say('idle arithmetic');
    if (/(?<=[(,]\s*)\([^()]*\)(?=\s*[,)])/.test(bare)) say('idle brackets');
    if (/;;|,,|\t/.test(bare)) say('stray characters');
    depth += (bare.match(/[({[]/g) ?? []).length - (bare.match(/[)}\]]/g) ?? []).length;
  });
  if (!code.endsWith('\n') || code.endsWith('\n\n')) faults.push('end: one newline');
  return faults;
}

/** Constructs of WGSL that naga, the compiler of Firefox and Deno, does not support, by their name in a finding. */
const gaps: Readonly<Record<string, RegExp>> = {
  'a language feature is required': /^\s*requires\b[^;]*/gm,
  'a pointer to a buffer or to workgroup memory as a parameter':
    /:\s*ptr\s*<\s*(?:storage|workgroup|uniform)\b[^>]*/g,
  'a swizzle is assigned to': /\.(?:[xyzw]{2,4}|[rgba]{2,4})\s*(?:[-+*/%&|^]|<<|>>)?=(?!=)/g,
  'a bitcast to halves': /\bbitcast\s*<\s*(?:f16|vec[24]h|vec[24]\s*<\s*f16\s*>)\s*>/g,
  'a bitcast of halves':
    /\bbitcast\s*<[^(;]*>\s*\(\s*(?:f16|vec[24]h|vec[24]\s*<\s*f16\s*>)\s*\([^)]*/g,
};

/** Returns the constructs that naga refuses or crashes on, as `line: gap: text`, in the order of the text. */
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

/** Finds pointers to an element or a member among the arguments of the text's own functions; built-in functions may have them. */
function elementPointers(text: string): { gap: string; match: string; index: number }[] {
  const declared = new Set([...text.matchAll(/\bfn\s+(\w+)/g)].map((match) => match[1]));
  const gap = 'a pointer to a part as an argument';
  return [...text.matchAll(/(\bfn\s+)?\b(\w+)\s*\(/g)]
    .filter(({ 1: declaration, 2: name }) => declaration === undefined && declared.has(name))
    .flatMap(({ 0: head, index }) => {
      const start = index + head.length;
      const args = text.slice(start, closingBracket(text, start));
      return [...args.matchAll(/(?<=^\s*|,\s*)&\s*\w+\s*[.[][^,]*/g)].map(
        ({ 0: match, index: at }) => ({ gap, match, index: start + at }),
      );
    });
}

/** Returns the index of the bracket that closes the one before `start`. */
function closingBracket(text: string, start: number): number {
  let depth = 1;
  for (let i = start; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')' && --depth === 0) return i;
  }
  return text.length;
}
