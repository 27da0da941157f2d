import { CompileError, type SourcePlace } from '@heed/core';

/** A range of a text: positions from its start. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

interface Text {
  readonly name: string;
  readonly text: string;
  readonly offset: number;
}

/** Characters shown on either side of the caret: minified functions are one long line. */
const AROUND = 60;

/**
 * Returns an error that shows the range in the user's source.
 *
 * @example
 * // compileMod: Math.random is not the same on every run.
 * //   2 |   return score + Math.random();
 * //     |                  ^^^^^^^^^^^
 * // Pass random numbers as a tensor in captures.
 */
export function compileError(
  caller: string,
  source: Text | undefined,
  at: Place | undefined,
  rule: string,
  remedy: string,
): CompileError {
  const inner = source?.name ? `in ${source.name}: ` : '';
  const lines = [`${caller}: ${inner}${rule}.`];
  const place = source?.text && at ? placeIn(source, at) : undefined;
  if (place) lines.push(...excerpt(source!.text, place));
  const error = new CompileError([...lines, remedy].join('\n'), place);
  starts.set(error, at?.start ?? 0);
  return error;
}

const misreadings = new WeakSet<object>();

/** Marks an error that may arise only because the parameters were read as the parameters of the other kind of mod. */
export function misread(error: CompileError): CompileError {
  misreadings.add(error);
  return error;
}

export function isMisread(error: unknown): boolean {
  return misreadings.has(error as object);
}

const starts = new WeakMap<object, number>();

/** Returns the position in the source at which the translation failed. */
export function startOf(error: unknown): number {
  return starts.get(error as object) ?? 0;
}

function placeIn({ text, offset }: Text, { start, end }: Place): SourcePlace {
  const before = text.slice(0, Math.max(start - offset, 0)).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1, length: end - start };
}

function excerpt(text: string, { line, column, length }: SourcePlace): string[] {
  const whole = text.split('\n')[line - 1]!;
  const at = column - 1;
  const from = Math.max(at - AROUND, 0);
  const shown = whole.slice(from, at + AROUND).replaceAll('\t', ' ');
  const width = Math.max(Math.min(length, from + shown.length - at), 1);
  const lead = from > 0 ? '…' : '';
  const gutter = `  ${line} | `;
  return [
    `${gutter}${lead}${shown}`,
    `${' '.repeat(gutter.length - 2)}| ${' '.repeat(lead.length + at - from)}${'^'.repeat(width)}`,
  ];
}

type Refusal = readonly [rule: string, remedy: string];

const SCALARS =
  'Mods compute with numbers and booleans only: use variables, and pass arrays as tensors in captures.';
const LOOP =
  'Loops must end: use for with constant bounds; pass what varies as a tensor, or its size as a constant.';
const PURE = 'Mods are pure functions: return a number or a boolean.';
const CAPTURES = 'Pass what you need in captures.';
const TYPES = 'Types are known, and every capture is there: remove it.';

/** The remedies for constructs, by the types of their syntax nodes without the ending, or by operator. */
const remedies: readonly (readonly [constructs: string, remedy: string])[] = [
  ['While DoWhile ForOf ForIn', LOOP],
  ['This Super MetaProperty Import Await', CAPTURES],
  ['New Object Array Template TaggedTemplate Literal RegExp', SCALARS],
  ['BigInt', 'Write it without the n: integers are i32 on the GPU.'],
  ['PrivateIdentifier', CAPTURES],
  ['Chain typeof in instanceof', TYPES],
  ['Switch', 'Use if and else, or ?:.'],
  ['Labeled', 'Use break and continue without a label.'],
  ['Spread', 'Write the arguments out.'],
  ['Rest', 'Name what you need.'],
  ['ArrayPattern', 'Index the table: c.table[0].'],
];

/** The names of constructs whose type is not their name. */
const names: Readonly<Record<string, string>> = {
  DoWhile: 'do … while',
  ForOf: 'for … of',
  ForIn: 'for … in',
  Labeled: 'a label',
  Class: 'a class',
  Object: 'an object literal',
  Array: 'an array literal',
  ArrayPattern: 'array destructuring',
  Rest: 'a rest pattern',
  Chain: '?.',
  BigInt: 'a BigInt',
  PrivateIdentifier: 'a private name',
  Literal: 'a string',
  Template: 'a template string',
  TaggedTemplate: 'a template string',
};

/** Returns the rule and the remedy for a construct that is not in the language. */
export function refusal(type: string): Refusal {
  const kind = type.replace(
    /(?<=.)(Statement|Expression|Declaration|Element|(?<=Template)Literal)$/,
    '',
  );
  const remedy = remedies.find(([constructs]) => constructs.split(' ').includes(kind))?.[1];
  return [`${names[kind] ?? kind.toLowerCase()} cannot run on the GPU`, remedy ?? PURE];
}

export const RECURSION: Refusal = ['recursion cannot run on the GPU', LOOP];

/** Returns the rule and the remedy for a name that is not in scope. Some are written by people, others inserted by tools. */
export function refuseName(name: string, hint: string): Refusal {
  if (/^(cov_|__cov|_?stryMut|stryCov|__VITEST_COVERAGE)/.test(name)) {
    return [
      `the source is instrumented by a coverage or mutation tool (${name})`,
      "Exclude the file that holds the mod, or use V8's built-in coverage, which leaves sources alone.",
    ];
  }
  if (
    /^(BigInt|is(NaN|Finite)|parse(Int|Float)|eval|console|Date|globalThis|window|arguments)$/.test(
      name,
    )
  ) {
    return [
      `${name} is not there on the GPU`,
      'Mods have their parameters, Math, Infinity, NaN and undefined; anything else comes in captures.',
    ];
  }
  return [
    `${name} is not declared in the mod, and its value cannot be seen from here`,
    `${hint}Pass it in captures: { ${name} }, and read it from the captures parameter.`,
  ];
}
