// A user's program: Node runs it directly and bundled by Vite, and a browser runs the bundle. It prints its results as one line
// of JSON; their values can be checked by hand.
import * as conformance from '@heed/conformance';
import * as core from '@heed/core';
import * as authors from '@heed/core/kernel';
import { compileMod, flexAttention, type ScoreMod } from '@heed/flex';
import * as masks from '@heed/flex/masks';
import * as mods from '@heed/flex/mods';
import { attention, varlenAttention } from '@heed/kernels-wgsl';
import * as variant from '@heed/kernels-wgsl/variant';
import { PagedKvCache } from '@heed/kvcache';
import { opfsStore } from '@heed/kvcache/browser';

const found: Record<string, unknown> = { entries: namesAreThere(), twin: twinOfMod() };
try {
  const gpu = await core.openGpu();
  Object.assign(found, await onGpu(gpu));
  gpu.dispose();
} catch (error) {
  if (!core.HeedError.is(error)) throw error;
  found['error'] = error.code;
}
console.log(`heed ${JSON.stringify(found)}`);

/** Names one export per entry, so that a bundler drops no entry. */
function namesAreThere(): boolean {
  const some = [
    conformance.referenceAttention,
    authors.getKernel,
    masks.natten2d,
    mods.alibi,
    variant.variantHooks,
    opfsStore,
  ];
  return some.every((name) => typeof name === 'function');
}

/** 10 + 5 − 3, by a mod that the bundler may have renamed and folded. */
function twinOfMod(): unknown {
  const mod: ScoreMod<{ slope: number }> = (score, _b, _h, q, kv, c) => score + (q - kv) * c.slope;
  return compileMod(mod, { slope: 1 }).js(10, 0, 0, 5, 3);
}

/** All keys are equal, so each row of the result is the mean of the values 0, 1, 2, 3 that it sees. */
async function onGpu(gpu: core.Gpu): Promise<Record<string, unknown>> {
  const ones = Array.from({ length: 16 }, () => 1);
  const counted = ones.map((_, i) => Math.floor(i / 4));
  const x = gpu.tensor(ones, { shape: [1, 1, 4, 4] });
  const v = gpu.tensor(counted, { shape: [1, 1, 4, 4] });
  const firsts = async ({ out }: { out: core.Tensor }): Promise<number[]> =>
    [...(await out.read())].filter((_, i) => i % 4 === 0).map((y) => Math.round(y * 1e4) / 1e4);

  const second = flexAttention(x, x, v, {
    scoreMod: (score, _b, _h, _q, kv) => (kv === 1 ? score : -Infinity),
  });
  const cache = await PagedKvCache.create(gpu, { layers: 1, kvHeads: 1, headDim: 4, pages: 4 });
  const sequence = cache.open();
  const rows = gpu.tensor(ones, { shape: [4, 1, 4] });
  cache.append(0, [sequence], rows, gpu.tensor(counted, { shape: [4, 1, 4] }));
  const view = cache.view(0, [sequence]);
  const paged = varlenAttention(rows, view, { causal: true });
  return {
    attention: await firsts(attention(x, x, v, { causal: true })),
    flex: await firsts(second),
    paged: await firsts(paged),
  };
}
