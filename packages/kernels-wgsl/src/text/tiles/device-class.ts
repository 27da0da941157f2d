import type { Capabilities } from '@heed/core';

/** The facts by which kernels are chosen for devices of one kind. WebGPU does not report any of them. */
export interface DeviceClass {
  readonly name: string;
  /** Whether the compiler unrolls moderately, so that the bounds of loops may be constants. */
  readonly unroll: boolean;
  /** Whether sharing keys over the lanes of a subgroup is faster than through workgroup memory. */
  readonly broadcasts: boolean;
  /**
   * Whether the compiler turns private arrays with a variable index into accesses lane by lane, but jumps over a branch that no
   * lane takes.
   */
  readonly branches: boolean;
  /** Whether subgroup matrices have hardware of their own. */
  readonly matrices: boolean;
  /** Whether matrices of halves that a kernel keeps during a loop take half as many registers as those of f32. */
  readonly packsHalves: boolean;
  /** Registers that a lane may have for sums of outputs or gradients; with more, the rest of a kernel does not fit beside them. */
  readonly accumulators: number;
  /** Number of workgroups of 64 threads that keeps the device's memory busy. */
  readonly workgroups: number;
  /** Least number of keys of a split; with fewer, the merge of the splits costs too much. */
  readonly keysPerSplit: number;
}

/**
 * onnxruntime measured workgroup memory 10 to 20 times as fast as broadcasts on Apple, and 10 to 15 % faster on NVIDIA.
 *
 * Bandwidth × latency must be outstanding: about 0.5 MB on a card of 1 TB/s, 3 MB on one of 4 TB/s. A workgroup of the decode path
 * has up to 16 KiB outstanding, so 256 suffice, and twice as many give each of up to 144 cores the same number within a few
 * percent. The merge of splits of 128 keys reads and writes about 6 % of what the splits read.
 *
 * The compilers of AMD and NVIDIA, whose lanes have 255 registers, spill with more than 144 accumulators: a kernel needs about 110 others.
 */
const gpu = {
  unroll: true,
  broadcasts: false,
  branches: false,
  matrices: true,
  packsHalves: true,
  accumulators: 144,
  workgroups: 256,
  keysPerSplit: 128,
} as const;

/**
 * A driver that runs on the CPU: its subgroups are as wide as the CPU's vectors, it has few threads, it emulates matrices, and its
 * compiler unrolls every loop with a constant bound and then takes minutes.
 */
const software: DeviceClass = {
  name: 'software',
  unroll: false,
  broadcasts: true,
  branches: false,
  matrices: false,
  packsHalves: true,
  // They are in memory anyway.
  accumulators: 144,
  workgroups: 8,
  keysPerSplit: 256,
};

// Per value of a lane: 40 instructions for a store at a variable index, 3 behind a branch; 3 for a broadcast, 1 for a shuffle.
// SwiftShader executes all branches, and takes twice as long with them.
const llvmpipe: DeviceClass = { ...software, name: 'llvmpipe', branches: true };

const nvidia: DeviceClass = { name: 'NVIDIA', ...gpu, workgroups: 512 };
// Mesa's compiler counts a register for each half (207 instead of 96 at head dim 128), and then spills.
const rdna: DeviceClass = { name: 'AMD RDNA', ...gpu, packsHalves: false, workgroups: 512 };
const gcn: DeviceClass = { name: 'AMD GCN', ...gpu, workgroups: 512 };
// A lane has 128 registers (https://dougallj.github.io/applegpu/docs.html); a kernel needs half of them beside its sums.
const apple: DeviceClass = { name: 'Apple', ...gpu, accumulators: 64 };
// Memory of 50 to 150 GB/s, shared with the CPU, and few cores. A thread has 4 KiB of registers: 64 per lane of a subgroup of 16.
const intel: DeviceClass = { name: 'Intel', ...gpu, workgroups: 128, accumulators: 32 };
// A thread of a Mali has 64 registers, and half as many threads fit if it takes more than 32.
const mobile: DeviceClass = { name: 'mobile', ...gpu, workgroups: 64, accumulators: 16 };
const unknown: DeviceClass = { name: 'unknown GPU', ...gpu };

/**
 * The names that identify a class, in the order in which they are looked for. Dawn names the vendor and the architecture; wgpu
 * gives the driver's description of the device. Some browsers give neither.
 */
const names: readonly (readonly [RegExp, DeviceClass])[] = [
  [/llvmpipe|lavapipe|mesa software/, llvmpipe],
  [/swiftshader|\bwarp\b|basic render/, software],
  [/nvidia|geforce|quadro|tesla/, nvidia],
  [/\b(gcn|cdna|vega|polaris)/, gcn],
  [/\b(amd|radeon|radv)\b/, rdna],
  [/\bapple\b/, apple],
  [/\bintel\b/, intel],
  [/\b(qualcomm|adreno|arm|mali|img-tec|powervr|samsung|xclipse)\b/, mobile],
];

/** Returns the class of a device. */
export function deviceClass({ adapter, subgroups }: Capabilities): DeviceClass {
  const { vendor, architecture, device, description } = adapter;
  const text = [vendor, architecture, device, description].join(' ').toLowerCase();
  const found = names.find(([name]) => name.test(text))?.[1] ?? unknown;
  if (adapter.isFallbackAdapter && found !== llvmpipe) return software;
  // Drivers may not tell the architecture: GCN has subgroups of 64 only.
  return found === rdna && subgroups?.min === 64 ? gcn : found;
}
