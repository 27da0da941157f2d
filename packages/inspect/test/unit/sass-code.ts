/** Fields of an instruction, as Mesa's NAK encodes them. */
export interface SassFields {
  operation?: number;
  form?: number;
  d?: number;
  a?: number;
  b?: number;
  c?: number;
  immediate?: number;
  width?: number;
  comparison?: number;
  stall?: number;
  writes?: number;
  reads?: number;
  waits?: number;
  isPredicated?: boolean;
  /** Bytes from the next instruction to the target. */
  branch?: number;
  architecture?: number;
}

/** Assembles instructions. */
export function sassCode(instructions: readonly SassFields[]): Uint8Array {
  const words = instructions.flatMap((fields) => {
    const word = encode(fields);
    return [BigInt.asUintN(64, word), word >> 64n];
  });
  return new Uint8Array(BigUint64Array.from(words).buffer);
}

function encode(fields: SassFields): bigint {
  const {
    operation = 0x118,
    form = 0,
    d = 255,
    a = 255,
    b,
    c = 255,
    immediate,
    width = 0,
    comparison,
  } = fields;
  const {
    stall = 1,
    writes = 7,
    reads = 7,
    waits = 0,
    isPredicated = false,
    branch,
    architecture = 90,
  } = fields;
  const at = (value: number | bigint, from: number, bits: number): bigint =>
    BigInt.asUintN(bits, BigInt(value)) << BigInt(from);
  const offset = BigInt(branch ?? 0) >> 2n;
  const operands =
    branch === undefined
      ? at(d, 16, 8) |
        at(a, 24, 8) |
        (immediate === undefined ? at(b ?? 255, 32, 8) : at(immediate, 32, 32)) |
        at(c, 64, 8)
      : architecture >= 90
        ? at(offset, 16, 8) | at(offset >> 8n, 34, 48)
        : at(offset, 34, 48);
  return (
    at(operation, 0, 9) |
    at(form, 9, 3) |
    at(isPredicated ? 0 : 7, 12, 3) |
    operands |
    (comparison === undefined
      ? branch === undefined
        ? at(width, 73, 3)
        : 0n
      : at(comparison, 76, 3)) |
    at(stall, 105, 4) |
    at(writes, 110, 3) |
    at(reads, 113, 3) |
    at(waits, 116, 6)
  );
}

/** Returns an ELF file of 64 bits with the code of one kernel. */
export function cubinOf(kernel: string, code: Uint8Array): Uint8Array {
  const names = new TextEncoder().encode(`\0.shstrtab\0.text.${kernel}\0`);
  const [namesAt, codeAt] = [64, 64 + Math.ceil(names.length / 16) * 16];
  const sectionsAt = codeAt + code.length;
  const file = new Uint8Array(sectionsAt + 2 * 64);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46]);
  view.setBigUint64(40, BigInt(sectionsAt), true);
  view.setUint16(60, 2, true);
  view.setUint16(62, 0, true);
  file.set(names, namesAt);
  file.set(code, codeAt);
  const section = (
    index: number,
    name: number,
    type: number,
    offset: number,
    size: number,
  ): void => {
    const at = sectionsAt + index * 64;
    view.setUint32(at, name, true);
    view.setUint32(at + 4, type, true);
    view.setBigUint64(at + 24, BigInt(offset), true);
    view.setBigUint64(at + 32, BigInt(size), true);
  };
  section(0, 1, 3, namesAt, names.length);
  section(1, 11, 1, codeAt, code.length);
  return file;
}
