/** What an instruction does. The first group is the vector instructions, of which a lane does one part each. */
export type InstructionKind =
  | 'multiplyAdd'
  | 'matrix'
  | 'float'
  | 'transcendental'
  | 'conversion'
  | 'move'
  | 'lane'
  | 'integer'
  | 'globalLoad'
  | 'globalStore'
  | 'ldsLoad'
  | 'ldsStore'
  | 'scratch'
  | 'scalar'
  | 'scalarLoad'
  | 'barrier'
  | 'branch'
  | 'wait'
  | 'hint'
  | 'unknown';

/** One instruction of AMD's assembly. */
export interface Instruction {
  /** Its name, without the suffix of its encoding. */
  readonly op: string;
  readonly operands: string;
  readonly kind: InstructionKind;
}

/**
 * The kinds by name, the first match counts: the names of GCN (vega10) and of RDNA, where they differ.
 * https://llvm.org/docs/AMDGPUUsage.html links the manuals of each family.
 */
const kinds: readonly (readonly [RegExp, InstructionKind])[] = [
  [/^v_(wmma|swmmac|mfma)_/, 'matrix'],
  [/^v_dot\d/, 'multiplyAdd'],
  [
    /^v_(pk_|dual_)?(fma|fmac|fmaak|fmamk|mac|madak|madmk|mad)_(mix_|mixlo_|mixhi_)?(f16|f32)/,
    'multiplyAdd',
  ],
  [/^v_(exp|log|rcp|rsq|sqrt|sin|cos)_/, 'transcendental'],
  [/^v_(readlane|readfirstlane|writelane|permlane|mbcnt)|^ds_(b?permute|swizzle)|_dpp$/, 'lane'],
  [/^v_(cvt|pack)_/, 'conversion'],
  [/^v_(dual_)?(mov|swap)/, 'move'],
  [
    /^v_(pk_|dual_)?(add|sub|subrev|mul|max|min|max3|min3|maxmin|minmax)_(f16|f32|dx9_zero_f32)/,
    'float',
  ],
  [/^v_/, 'integer'],
  [/^scratch_/, 'scratch'],
  [/^(buffer|global|flat)_load/, 'globalLoad'],
  [/^(buffer|global|flat)_/, 'globalStore'],
  [/^ds_(load|read)/, 'ldsLoad'],
  [/^ds_/, 'ldsStore'],
  [/^s_(buffer_)?load/, 'scalarLoad'],
  [/^s_barrier/, 'barrier'],
  [/^s_c?branch/, 'branch'],
  [/^s_wait(cnt$|cnt_vscnt|_\w*cnt)/, 'wait'],
  [
    /^s_(nop|clause|delay_alu|endpgm|code_end|sleep|sendmsg|waitcnt_depctr|set_inst_prefetch_distance|inst_prefetch)/,
    'hint',
  ],
  [/^s_/, 'scalar'],
];

const vectorKinds: ReadonlySet<InstructionKind> = new Set([
  'multiplyAdd',
  'matrix',
  'float',
  'transcendental',
  'conversion',
  'move',
  'lane',
  'integer',
]);

/** Whether an instruction takes a slot of the vector unit. */
export const isVector = ({ kind }: Instruction): boolean => vectorKinds.has(kind);

/** Reads a line of assembly: one instruction, or the two halves of a dual one (VOPD). */
export function instructionsOf(line: string): Instruction[] {
  const text = line.split(';')[0]!;
  return text.split('::').map((half) => {
    const [name = '', ...operands] = half.trim().split(/\s+/);
    const op = name.replace(/_e(32|64)$/, '').replace(/_e64_dpp$/, '_dpp');
    return withKind(op, operands.join(' '));
  });
}

function withKind(op: string, operands: string): Instruction {
  const known = kinds.find(([pattern]) => pattern.test(op))?.[1];
  // LLVM's disassembler cannot read every instruction that Mesa writes, and then reads its second half as another one.
  const kind = known ?? 'unknown';
  return { op, operands, kind: isHalfConversion(op, operands) ? 'conversion' : kind };
}

// The compiler converts halves to floats by x · y + (−0), with y = 1 or a scale.
function isHalfConversion(op: string, operands: string): boolean {
  return op.startsWith('v_fma_mix') && /neg\(0\)|(^|, )-?0( |$)/.test(operands);
}

/** Returns the multiply-adds that an instruction does per lane of a wave. */
export function multiplyAddsOf({ op, kind }: Instruction, lanes: number): number {
  if (kind === 'matrix') {
    const [, m, n, k] = /(\d+)x(\d+)x(\d+)/.exec(op) ?? [];
    return (Number(m) * Number(n) * Number(k)) / lanes;
  }
  if (kind !== 'multiplyAdd') return 0;
  if (op.startsWith('v_pk_')) return 2;
  return Number(/^v_dot(\d)/.exec(op)?.[1] ?? 1);
}

/** Returns the bytes per lane that a load or a store moves. */
export function bytesOf({ op }: Instruction): number {
  const twice = /2addr|read2|write2/.test(op) ? 2 : 1;
  return twice * widthOf(op);
}

function widthOf(op: string): number {
  const bits = /_b(\d+)$/.exec(op)?.[1];
  if (bits !== undefined) return Number(bits) / 8;
  const words = /_dword(?:x(\d))?$/.exec(op);
  if (words) return 4 * Number(words[1] ?? 1);
  if (/_(u8|i8|ubyte|sbyte|b8)(_|$)/.test(op)) return 1;
  return /_(u16|i16|ushort|sshort|short|b16)(_|$)/.test(op) ? 2 : 4;
}

/** Returns how many loads from memory may still be on their way after a wait; undefined if it waits for something else. */
export function loadsAfterWait({ op, operands, kind }: Instruction): number | undefined {
  if (kind !== 'wait') return undefined;
  const count = op.startsWith('s_wait_loadcnt')
    ? /\d+/.exec(operands)?.[0]
    : /vmcnt\((\d+)\)/.exec(operands)?.[1];
  return count === undefined ? undefined : Number(count);
}
