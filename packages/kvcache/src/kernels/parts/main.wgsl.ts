import { wgsl } from '@heed/core/kernel';

/** Threads of a workgroup, in every kernel of the cache. */
export const WORKGROUP = 64;

/** The entry point; `body` sees `thread`, its number among all. */
export const mainWgsl = (body: string): string => wgsl`
  @compute @workgroup_size(${WORKGROUP})
  fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
  ) {
    let thread = (workgroup.x + workgroup.y * workgroups.x) * ${WORKGROUP}u + lane;
    ${body}
  }
`;

/** For kernels that serve both pools in one dispatch: keys where z is 0, values where it is 1. */
export const eachPool = (call: (x: 'k' | 'v') => string): string => wgsl`
  if (workgroup.z == 0u) {
    ${call('k')};
  } else {
    ${call('v')};
  }
`;
