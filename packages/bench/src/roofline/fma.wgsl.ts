import { type KernelSource, wgsl } from '@heed/core/kernel';

/** Threads of a workgroup. */
export const LANES = 64;

// Few enough that a CPU keeps them in registers: it has 16, and a vec4 takes four.
const chains = [0, 1, 2];
const STEPS = 4;

/** Of one thread: vec4 multiply-adds in chains that do not wait for one another. */
export const OPERATIONS_PER_TURN: number = STEPS * chains.length * 4 * 2;

/** Multiplies and adds, and touches no memory but to keep the results. */
export const fmaSource: KernelSource = {
  label: 'heed-bench/fma',
  bindings: ['write', 'uniform'],
  code: `${wgsl`
    struct Params {
      turns: u32,
    }

    @group(0) @binding(0) var<storage, read_write> out: array<vec4<f32>>;
    @group(0) @binding(1) var<uniform> params: Params;

    @compute @workgroup_size(${LANES})
    fn main(@builtin(global_invocation_id) id: vec3<u32>) {
      let factor = vec4<f32>(0.999 + f32(id.x & 1u) * 1e-4);
      let term = vec4<f32>(1e-3);
      ${chains.map((i) => `var x${i} = vec4<f32>(f32(id.x + ${i}u));`)}
      for (var turn = 0u; turn < params.turns; turn++) {
        ${Array.from({ length: STEPS }, () => chains.map((i) => `x${i} = fma(x${i}, factor, term);`))}
      }
      out[id.x] = ${chains.map((i) => `x${i}`).join(' + ')};
    }
  `}\n`,
};
