import { wgsl } from '@heed/core/kernel';

/** For kernels that serve both pools in one dispatch: keys where z is 0, values where it is 1. */
export const eachPool = (call: (x: 'k' | 'v') => string): string => wgsl`
  if (workgroup.z == 0u) {
    ${call('k')};
  } else {
    ${call('v')};
  }
`;
