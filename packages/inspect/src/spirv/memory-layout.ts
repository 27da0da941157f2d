import { type SpirvModule, typeOf } from './spirv-module.ts';

/** Returns the bytes of a type in workgroup memory: as WGSL defines them, with vectors of 3 as large as those of 4. */
export function byteSize(module: SpirvModule, id: number): number {
  const type = typeOf(module, id);
  switch (type.kind) {
    case 'int':
    case 'float':
      return type.bits / 8;
    case 'bool':
      return 4;
    case 'vector':
      return byteSize(module, type.element) * (type.length === 3 ? 4 : type.length);
    case 'array':
      return byteSize(module, type.element) * type.length;
    case 'struct':
      return memberOffset(module, type.members, type.members.length);
    default:
      throw new Error(`SPIR-V: a ${type.kind} in workgroup memory`);
  }
}

function alignment(module: SpirvModule, id: number): number {
  const type = typeOf(module, id);
  if (type.kind === 'array') return alignment(module, type.element);
  if (type.kind === 'struct')
    return Math.max(...type.members.map((member) => alignment(module, member)));
  return byteSize(module, id);
}

/** Returns where a struct's member begins; the struct's size for the index after the last member. */
function memberOffset(module: SpirvModule, members: readonly number[], index: number): number {
  const units = members.map((member) => alignment(module, member));
  const up = (at: number, unit: number): number => Math.ceil(at / unit) * unit;
  let at = 0;
  for (let i = 0; i < index; i++) at = up(at, units[i]!) + byteSize(module, members[i]!);
  return up(at, units[index] ?? Math.max(...units));
}

/** Returns the bytes from the beginning of a value of a type to its part at a path; undefined if the path is not known. */
export function byteOffset(
  module: SpirvModule,
  id: number,
  path: readonly (number | undefined)[],
): number | undefined {
  const [index, ...rest] = path;
  if (path.length === 0) return 0;
  if (index === undefined) return undefined;
  const type = typeOf(module, id);
  const isStruct = type.kind === 'struct';
  if (!isStruct && type.kind !== 'array' && type.kind !== 'vector')
    throw new Error(`SPIR-V: a part of a ${type.kind}`);
  const part = isStruct ? type.members[index]! : type.element;
  const before = isStruct
    ? memberOffset(module, type.members, index)
    : byteSize(module, part) * index;
  const after = byteOffset(module, part, rest);
  return after === undefined ? undefined : before + after;
}
