import type { Gpu } from '../api.ts';
import { wgsl } from '../wgsl/template.ts';
import { dispatchGrid } from './grid.ts';

/** Threads of a workgroup, in kernels that have one thread for each thing they make. */
export const WORKGROUP = 64;

/** The grid of at least `threads` threads for a kernel whose entry point is {@link threadMain}. */
export function threadGrid(gpu: Gpu, threads: number): [x: number, y: number, z: number] {
  return dispatchGrid(gpu, Math.ceil(threads / WORKGROUP));
}

/** The entry point of a kernel; `body` sees the thread's number among all by this name, and returns where it is too large. */
export function threadMain(name: string, body: string): string {
  return wgsl`
    @compute @workgroup_size(${WORKGROUP})
    fn main(
      @builtin(workgroup_id) workgroup: vec3<u32>,
      @builtin(num_workgroups) workgroups: vec3<u32>,
      @builtin(local_invocation_index) lane: u32,
    ) {
      let ${name} = (workgroup.x + workgroup.y * workgroups.x) * ${WORKGROUP}u + lane;
      ${body}
    }
  `;
}
