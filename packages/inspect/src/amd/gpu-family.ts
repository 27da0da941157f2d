/** What limits the waves of a compute unit, by family: AMD's ISA documents, and Mesa's src/amd/common/ac_gpu_info.c. */
export interface GpuFamily {
  readonly name: string;
  readonly generation: string;
  /** Vector registers per lane of a SIMD, and the unit in which a wave takes them, by lanes of a wave. */
  readonly registers: Readonly<Record<number, { readonly count: number; readonly unit: number }>>;
  /** Most waves of a SIMD. */
  readonly waves: number;
  /** SIMDs that share the LDS. */
  readonly simds: number;
  readonly ldsBytes: number;
}

const rdna = { waves: 16, simds: 2, ldsBytes: 65_536 };
const rdna3 = {
  ...rdna,
  registers: { 32: { count: 1536, unit: 24 }, 64: { count: 768, unit: 12 } },
};

const families: readonly GpuFamily[] = [
  { ...rdna3, name: 'navi31', generation: 'RDNA3' },
  { ...rdna3, name: 'gfx1200', generation: 'RDNA4' },
  {
    ...rdna,
    name: 'navi21',
    generation: 'RDNA2',
    registers: { 32: { count: 1024, unit: 16 }, 64: { count: 512, unit: 8 } },
  },
  {
    name: 'vega10',
    generation: 'GCN5',
    registers: { 64: { count: 256, unit: 4 } },
    waves: 10,
    simds: 4,
    ldsBytes: 65_536,
  },
];

/** The families whose figures are known. */
export const familyNames: readonly string[] = families.map(({ name }) => name);

/** Returns a family by one of its names. */
export function familyOf(name: string): GpuFamily {
  const family = families.find((one) => one.name === name);
  if (family) return family;
  throw new RangeError(`there is no family ${name}; there are ${familyNames.join(', ')}`);
}

/** The waves that a SIMD holds at a time, which hide its latencies. */
export interface Waves {
  readonly byRegisters: number;
  readonly byLds: number;
}

/** Returns how many waves of a kernel a SIMD holds by each resource. */
export function wavesOf(
  { registers, waves, simds, ldsBytes }: GpuFamily,
  kernel: {
    readonly lanes: number;
    readonly threads: number;
    readonly vgprs: number;
    readonly lds: number;
  },
): Waves {
  const { count, unit } = registers[kernel.lanes]!;
  const taken = Math.max(unit, Math.ceil(kernel.vgprs / unit) * unit);
  const perWorkgroup = Math.ceil(kernel.threads / kernel.lanes);
  const workgroups = kernel.lds === 0 ? Infinity : Math.floor(ldsBytes / kernel.lds);
  return {
    byRegisters: Math.min(waves, Math.floor(count / taken)),
    byLds: Math.min(waves, (workgroups * perWorkgroup) / simds),
  };
}
