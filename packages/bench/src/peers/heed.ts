import type { Gpu } from '@heed/core';
import type { Peer } from '../peer.ts';
import { prepareBy } from './heed-calls.ts';

/** heed itself: `attention` for dense rows, `varlenAttention` for packed and paged ones. `open` gives the device, once. */
export function heedPeer(version: string, open: () => Promise<Gpu>): Peer {
  let opened: Promise<Gpu> | undefined;
  const gpu = (): Promise<Gpu> => (opened ??= open());
  return {
    name: 'heed',
    version,
    async available() {
      await gpu();
      return undefined;
    },
    async prepare(problem) {
      return prepareBy[problem.workload.layout](await gpu(), problem);
    },
    async close() {
      (await opened)?.dispose();
    },
  };
}
