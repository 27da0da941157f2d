import { type KernelSource, sections, wgsl } from '@heed/core/kernel';
import { paramBytes, type ParamField, paramsStruct } from './params.ts';

/** One concern of a kernel: its WGSL, and the parameters that this WGSL may read. */
export interface KernelPart {
  readonly fields: readonly ParamField[];
  readonly text: string;
}

/** A part, or text that reads no parameter; empty parts are left out. */
export type AnyPart = KernelPart | string | false | undefined;

/** A storage buffer of a kernel, `array<element>`; its index in the list is its `@binding`. */
export interface StorageBinding {
  readonly name: string;
  readonly kind: 'read' | 'write';
  readonly element: string;
}

/** The parts that a kernel is composed of. */
export interface KernelParts {
  readonly label: string;
  /** Text before the uniform block: extensions and constants. */
  readonly head: readonly AnyPart[];
  readonly bindings: readonly StorageBinding[];
  readonly parts: readonly AnyPart[];
}

/** A kernel, and the fields of its uniform block, which is its last binding. */
export interface ComposedKernel extends KernelSource {
  readonly fields: readonly ParamField[];
}

/**
 * Composes a kernel. Its uniform block holds the parameters that its text reads, in the order in which the parts list them.
 * @throws Error if the text reads a parameter that no part lists, or two parts list it with different types: a bug in heed,
 * not in the caller
 */
export function composeKernel({ label, head, bindings, parts }: KernelParts): ComposedKernel {
  const all = [...head, ...parts].map(asPart);
  const texts = all.map(({ text }) => text);
  const fields = fieldsRead(
    label,
    texts,
    all.flatMap((part) => part.fields),
  );
  const before = texts.slice(0, head.length);
  const after = texts.slice(head.length);
  return {
    label,
    fields,
    bindings: [...bindings.map(({ kind }) => kind), 'uniform'],
    readsToEnd: true,
    uniformBytes: paramBytes(fields),
    code: `${sections(...before, paramsStruct(fields), declarations(bindings), ...after)}\n`,
  };
}

const asPart = (part: AnyPart): KernelPart =>
  typeof part === 'object' ? part : { fields: [], text: part || '' };

/** Returns the fields that the text reads, of those that the parts list, without repeats. */
function fieldsRead(
  label: string,
  texts: readonly string[],
  listed: readonly ParamField[],
): ParamField[] {
  const read = new Set(texts.flatMap(parametersRead));
  const fields = new Map<string, ParamField>();
  for (const field of listed) {
    const first = fields.get(field.name) ?? field;
    if (first.type !== field.type) throw new Error(`${label}: params.${field.name} has two types`);
    if (read.has(field.name)) fields.set(field.name, first);
  }
  for (const name of read) {
    if (!fields.has(name)) throw new Error(`${label}: no part lists params.${name}`);
  }
  return [...fields.values()];
}

const parametersRead = (text: string): string[] =>
  [...text.matchAll(/\bparams\.(\w+)/g)].map(([, name]) => name!);

const declarations = (bindings: readonly StorageBinding[]): string => wgsl`
  ${bindings.map(
    ({ name, kind, element }, i) =>
      `@group(0) @binding(${i}) var<storage, ${kind === 'write' ? 'read_write' : kind}> ${name}: array<${element}>;`,
  )}
  @group(0) @binding(${bindings.length}) var<uniform> params: Params;
`;
