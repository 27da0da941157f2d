import { bind } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { softcap } from '@heed/flex/mods';
import type { Problems } from './problems.ts';

const prefill = { layout: 'dense', q: [1, 8, 1024, 64], k: [1, 8, 1024, 64] } as const;
const wide = { layout: 'dense', q: [1, 8, 1024, 128], k: [1, 2, 1024, 128], causal: true } as const;
const step = { layout: 'dense', q: [1, 32, 1, 64], k: [1, 8, 2049, 64], causal: true } as const;
const pages = { layout: 'paged', q: [8, 32, 64], k: [513, 16, 8, 64], sequences: 8 } as const;

/** Usual problems by name, tuned when no other is asked for. */
export const presets: Problems = {
  'prefill-f32': prefill,
  'prefill-f16': { ...prefill, dtype: 'f16' },
  'prefill-d128-f16': { ...wide, dtype: 'f16' },
  'prefill-one-split-f32': { ...prefill, numSplits: 1 },
  'packed-f32': { layout: 'varlen', q: [1024, 8, 64], k: [1024, 2, 64], sequences: 8 },
  'decode-f32': step,
  'decode-f16': { ...step, dtype: 'f16' },
  'decode-paged-f16': { ...pages, dtype: 'f16', causal: true },
  'training-f32': { ...prefill, causal: true, backward: true },
  'flex-causal-f32': { ...prefill, maskMod: causal },
  'flex-softcap-training-f32': {
    ...prefill,
    scoreMod: bind(softcap, { cap: 30.5 }),
    backward: true,
  },
};
