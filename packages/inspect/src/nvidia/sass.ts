/**
 * One machine instruction of sm_80 to sm_90, as far as the figures need it. The encoding is that of Mesa's open compiler NAK
 * (src/nouveau/compiler/nak/sm70_encode.rs): 128 bits, the opcode in bits 0-11, of which 9-11 say where the operands are.
 */
export interface SassInstruction {
  readonly address: number;
  /** '?' and the opcode's number for an operation that the table below does not name. */
  readonly name: string;
  readonly form: OperandForm;
  /** Registers: result, first, second and third operand. 255 is the zero register. */
  readonly d: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly immediate: number;
  /** Clocks before the warp issues its next instruction, at least. */
  readonly stall: number;
  /** The scoreboard that this instruction's result releases, and that of its operands, if any. */
  readonly writes?: number;
  readonly reads?: number;
  /** A bit per scoreboard for which this instruction waits. */
  readonly waits: number;
  readonly isPredicated: boolean;
  /** Of a load or store: bits per lane. */
  readonly width: number;
  /** Of a branch. */
  readonly target?: number;
  /** Of a comparison of integers. */
  readonly comparison: Comparison;
  readonly isSigned: boolean;
}

/** What an operation's second or third operand is where not all are registers. Bits 32-63 hold it, and `b` if it is a register. */
type OperandForm = (typeof forms)[number];

const comparisons = ['never', '<', '==', '<=', '>', '!=', '>=', 'always'] as const;
type Comparison = (typeof comparisons)[number];

const INSTRUCTION_BYTES = 16;
export const ZERO_REGISTER = 255;
const ALWAYS = 7;
const NO_SCOREBOARD = 7;

/** Names by the low 9 bits of the opcode. */
const names = new Map<number, string>(
  Object.entries({
    MOV: 0x02,
    P2R: 0x03,
    R2P: 0x04,
    CS2R: 0x05,
    VOTE: 0x06,
    SEL: 0x07,
    FSEL: 0x08,
    FMNMX: 0x09,
    FSET: 0x0a,
    FSETP: 0x0b,
    ISETP: 0x0c,
    IADD3: 0x10,
    LEA: 0x11,
    LOP3: 0x12,
    IABS: 0x13,
    PRMT: 0x16,
    IMNMX: 0x17,
    SHF: 0x19,
    SGXT: 0x1a,
    BMSK: 0x1b,
    PLOP3: 0x1c,
    FMUL: 0x20,
    FADD: 0x21,
    FFMA: 0x23,
    IMAD: 0x24,
    'IMAD.WIDE': 0x25,
    IDP: 0x26,
    'IMAD.HI': 0x27,
    HADD2: 0x30,
    HFMA2: 0x31,
    HMUL2: 0x32,
    HSET2: 0x33,
    HSETP2: 0x34,
    'HFMA2.MMA': 0x35,
    VIADD: 0x36,
    LDSM: 0x3b,
    HMMA: 0x3c,
    F2FP: 0x3e,
    I2FP: 0x45,
    VIADDMNMX: 0x46,
    VIMNMX: 0x48,
    UMOV: 0x82,
    VOTEU: 0x86,
    USEL: 0x87,
    UISETP: 0x8c,
    UIADD3: 0x90,
    ULEA: 0x91,
    ULOP3: 0x92,
    UPRMT: 0x96,
    USHF: 0x99,
    UPLOP3: 0x9c,
    UIMAD: 0xa4,
    'UIMAD.WIDE': 0xa5,
    LDGSTS: 0xae,
    ULDC: 0xb9,
    FLO: 0x100,
    F2F: 0x104,
    F2I: 0x105,
    I2F: 0x106,
    MUFU: 0x108,
    POPC: 0x109,
    NOP: 0x118,
    S2R: 0x119,
    DEPBAR: 0x11a,
    BAR: 0x11d,
    BSYNC: 0x141,
    BREAK: 0x142,
    CALL: 0x144,
    BSSY: 0x145,
    BRA: 0x147,
    WARPSYNC: 0x148,
    EXIT: 0x14d,
    RET: 0x150,
    BMOV: 0x155,
    LD: 0x180,
    LDG: 0x181,
    LDC: 0x182,
    LDL: 0x183,
    LDS: 0x184,
    ST: 0x185,
    STG: 0x186,
    STL: 0x187,
    STS: 0x188,
    SHFL: 0x189,
    ATOM: 0x18a,
    ATOMS: 0x18c,
    RED: 0x18e,
    MEMBAR: 0x192,
    ATOMG: 0x1a8,
    LDGDEPBAR: 0x1af,
    R2UR: 0x1c2,
    S2UR: 0x1c3,
    REDUX: 0x1c4,
  }).map(([name, code]) => [code, name]),
);

const forms = [
  'none',
  'registers',
  'thirdImmediate',
  'thirdConstant',
  'immediate',
  'constant',
  'uniform',
  'thirdUniform',
] as const;

/** Bits per lane of a load or store, by the field of its type. */
const widths = [8, 8, 16, 16, 32, 64, 128, 128] as const;
const withWidth = new Set(['LD', 'LDG', 'LDL', 'LDS', 'ST', 'STG', 'STL', 'STS']);

/** Returns the instructions of machine code. From sm_90 on a branch's offset has 8 more bits. */
export function decodeSass(code: Uint8Array, architecture: number): SassInstruction[] {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  return Array.from({ length: Math.floor(code.byteLength / INSTRUCTION_BYTES) }, (_, index) => {
    const address = index * INSTRUCTION_BYTES;
    const low = view.getBigUint64(address, true);
    const word = (view.getBigUint64(address + 8, true) << 64n) | low;
    return decodeInstruction(word, address, architecture);
  });
}

function decodeInstruction(word: bigint, address: number, architecture: number): SassInstruction {
  const field = (from: number, to: number): number =>
    Number((word >> BigInt(from)) & ((1n << BigInt(to - from)) - 1n));
  const operation = field(0, 9);
  const name = names.get(operation) ?? `?${operation.toString(16)}`;
  const [writes, reads] = [field(110, 113), field(113, 116)];
  return {
    address,
    name,
    form: forms[field(9, 12)]!,
    d: field(16, 24),
    a: field(24, 32),
    b: field(32, 40),
    c: field(64, 72),
    immediate: field(32, 64) | 0,
    stall: field(105, 109),
    ...(writes !== NO_SCOREBOARD && { writes }),
    ...(reads !== NO_SCOREBOARD && { reads }),
    waits: field(116, 122),
    isPredicated: field(12, 15) !== ALWAYS || field(15, 16) === 1,
    width: withWidth.has(name) ? widths[field(73, 76)]! : 32,
    ...(name === 'BRA' && {
      target: address + INSTRUCTION_BYTES + branchOffset(word, architecture),
    }),
    comparison: comparisons[field(76, 79)]!,
    isSigned: field(73, 74) === 1,
  };
}

/** In units of 4 bytes: 48 bits from bit 34, and from sm_90 on 8 lower bits from bit 16. */
function branchOffset(word: bigint, architecture: number): number {
  const high = BigInt.asIntN(48, word >> 34n);
  return Number(architecture >= 90 ? (high << 8n) | ((word >> 16n) & 0xffn) : high) * 4;
}
