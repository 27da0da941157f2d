import { describe, expect, it } from 'vitest';
import { kernelCode } from '../../src/nvidia/cubin.ts';
import { decodeSass } from '../../src/nvidia/sass.ts';
import { sassTurn } from '../../src/nvidia/sass-turn.ts';
import { cubinOf, sassCode, type SassFields } from './sass-code.ts';

const decode = (...fields: SassFields[]) => decodeSass(sassCode(fields), 90);

describe('kernelCode', () => {
  it('finds the section of a kernel', () => {
    const code = sassCode([{ operation: 0x14d }]);
    expect(kernelCode(cubinOf('kernel', code), 'kernel')).toEqual(code);
    expect(() => kernelCode(cubinOf('other', code), 'kernel')).toThrow('.text.kernel');
    expect(() => kernelCode(code, 'kernel')).toThrow('no ELF file');
  });
});

describe('decodeSass', () => {
  it('has the width and the scoreboards of a load', () => {
    const [load] = decode({
      operation: 0x181,
      form: 4,
      d: 8,
      a: 2,
      width: 5,
      writes: 3,
      waits: 0b10,
      stall: 4,
    });
    expect(load).toMatchObject({
      name: 'LDG',
      d: 8,
      a: 2,
      width: 64,
      writes: 3,
      waits: 0b10,
      stall: 4,
    });
    expect(load).not.toHaveProperty('reads');
  });

  it.for([
    [90, -48],
    [89, -48],
  ])('has the target of a branch of sm_%i', ([architecture = 0, offset = 0]) => {
    const branch = sassCode([{}, {}, {}, { operation: 0x147, branch: offset, architecture }]);
    expect(decodeSass(branch, architecture)[3]!.target).toBe(64 + offset);
  });

  it('names what it does not know by number', () => {
    expect(decode({ operation: 0x1ff })[0]!.name).toBe('?1ff');
  });
});

describe('sassTurn', () => {
  const nop = { operation: 0x118 };
  const fma = { operation: 0x23, form: 1, d: 4 };
  // R1 counts 0, 8, 16, 24; R2 counts tiles up to R3, which comes from memory.
  const counted: SassFields[] = [
    { operation: 0x182, d: 3 },
    { operation: 0x02, form: 4, d: 2, immediate: 0 },
    { operation: 0x24, form: 2, d: 1, a: 255, c: 255, immediate: 0 },
    fma,
    { operation: 0x36, form: 4, d: 1, a: 1, immediate: 8 },
    { operation: 0x0c, form: 4, a: 1, immediate: 32, comparison: 1 },
    { operation: 0x147, isPredicated: true, branch: -64 },
    { operation: 0x181, d: 10, width: 6, writes: 0 },
    { operation: 0x181, d: 20, width: 6, writes: 1 },
    { ...fma, waits: 0b11 },
    { operation: 0x36, form: 4, d: 2, a: 2, immediate: 1 },
    { operation: 0x0c, form: 1, a: 2, b: 3, comparison: 1 },
    { operation: 0x147, isPredicated: true, branch: -11 * 16 },
    { operation: 0x14d },
  ];

  it('repeats inner loops whose turns follow from literals', () => {
    const turn = sassTurn(decode(...counted));
    expect(turn).toMatchObject({ unknownLoops: 0, codeBytes: 11 * 16 });
    const names = turn?.trace.map(({ name }) => name) ?? [];
    expect(names.filter((name) => name === 'FFMA')).toHaveLength(5);
    expect(names).toHaveLength(1 + 4 * 4 + 6);
  });

  it('counts inner loops whose turns it does not know', () => {
    const unknown = counted.with(5, { operation: 0x0c, form: 1, a: 1, b: 3, comparison: 1 });
    expect(sassTurn(decode(...unknown))?.unknownLoops).toBe(1);
  });

  it('is undefined for a kernel without a loop over tiles', () => {
    expect(sassTurn(decode(nop, fma))).toBeUndefined();
  });
});
