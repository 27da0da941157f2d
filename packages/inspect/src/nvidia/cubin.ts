const HEADER = { sectionOffset: 40, sectionCount: 60, nameSection: 62 };
const SECTION = { bytes: 64, name: 0, type: 4, offset: 24, size: 32 };
const NO_BITS = 8;

/** Returns the machine code of a kernel from a cubin, an ELF file of 64 bits. */
export function kernelCode(cubin: Uint8Array, kernel: string): Uint8Array {
  const view = new DataView(cubin.buffer, cubin.byteOffset, cubin.byteLength);
  if (view.getUint32(0) !== 0x7f_45_4c_46) throw new Error('the cubin is no ELF file');
  const long = (at: number): number => Number(view.getBigUint64(at, true));
  const section = (index: number): number => long(HEADER.sectionOffset) + index * SECTION.bytes;
  const names = long(section(view.getUint16(HEADER.nameSection, true)) + SECTION.offset);
  const wanted = `.text.${kernel}`;
  for (let i = 0; i < view.getUint16(HEADER.sectionCount, true); i++) {
    const at = section(i);
    const name = textAt(cubin, names + view.getUint32(at + SECTION.name, true));
    if (name !== wanted || view.getUint32(at + SECTION.type, true) === NO_BITS) continue;
    return cubin.subarray(
      long(at + SECTION.offset),
      long(at + SECTION.offset) + long(at + SECTION.size),
    );
  }
  throw new Error(`the cubin has no section ${wanted}`);
}

function textAt(bytes: Uint8Array, at: number): string {
  return new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)));
}
