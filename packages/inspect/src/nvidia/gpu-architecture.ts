/** Limits of a multiprocessor: CUDA C++ Programming Guide, "Compute Capabilities", technical specifications per capability. */
export interface GpuArchitecture {
  /** As nvcc names it. */
  readonly name: string;
  readonly capability: number;
  /** Bytes of shared memory that blocks can have together. */
  readonly sharedBytes: number;
  readonly warps: number;
  readonly blocks: number;
}

const architectures: readonly GpuArchitecture[] = [
  { name: 'sm_90', capability: 90, sharedBytes: 233_472, warps: 64, blocks: 32 },
  { name: 'sm_89', capability: 89, sharedBytes: 102_400, warps: 48, blocks: 24 },
  { name: 'sm_86', capability: 86, sharedBytes: 102_400, warps: 48, blocks: 16 },
  { name: 'sm_80', capability: 80, sharedBytes: 167_936, warps: 64, blocks: 32 },
];

/** The architectures whose figures are known. */
export const architectureNames: readonly string[] = architectures.map(({ name }) => name);

/** Returns an architecture by nvcc's name. */
export function architectureOf(name: string): GpuArchitecture {
  const found = architectures.find((one) => one.name === name);
  if (found) return found;
  throw new RangeError(
    `there is no architecture ${name}; there are ${architectureNames.join(', ')}`,
  );
}

export const WARP_LANES = 32;
/** Schedulers of a multiprocessor. Each issues an instruction of one warp per clock, to a quarter of the registers and of the FMA units. */
export const SCHEDULERS = 4;
export const FMA_LANES = 128;

const REGISTERS_PER_SCHEDULER = 16_384;
const REGISTER_UNIT = 256;
const SHARED_UNIT = 128;
/** Bytes of shared memory that CUDA takes per block. */
const SHARED_RESERVED = 1024;

/** Returns how many blocks of a kernel a multiprocessor holds at a time. */
export function residentBlocks(
  { sharedBytes, warps, blocks }: GpuArchitecture,
  kernel: { readonly registers: number; readonly sharedBytes: number; readonly threads: number },
): number {
  const warpsPerBlock = Math.ceil(kernel.threads / WARP_LANES);
  const registersPerWarp = roundUp(kernel.registers * WARP_LANES, REGISTER_UNIT);
  const warpsByRegisters = Math.floor(REGISTERS_PER_SCHEDULER / registersPerWarp) * SCHEDULERS;
  const taken = roundUp(kernel.sharedBytes, SHARED_UNIT) + SHARED_RESERVED;
  return Math.min(
    blocks,
    Math.floor(Math.min(warps, warpsByRegisters) / warpsPerBlock),
    Math.floor(sharedBytes / taken),
  );
}

const roundUp = (count: number, unit: number): number => Math.ceil(count / unit) * unit;
