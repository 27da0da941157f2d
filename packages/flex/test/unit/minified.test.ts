import { transformSync } from 'esbuild';
import { minify } from 'terser';
// Vite passes on the minifier of rolldown, which it builds with.
import { minify as rolldown } from 'vite';
import { describe, expect, it } from 'vitest';
import { compileMod } from '../../src/index.ts';

const source = `
export const relative = (score, b, h, q, kv) => score + (q - kv);
export const causal = (score, b, h, q, kv) => (q >= kv ? score : -Infinity);
export const biased = (score, b, h, q, kv, { bias, strength }) => score + strength * bias[h][q];
export function clipped(score, b, h, q, kv, c) {
  const distance = Math.abs(q - kv);
  if (distance > c.strength) return -Infinity;
  let sum = score;
  for (let i = 0; i < 3; i++) sum += c.bias[h][i];
  return sum;
}
export const both = (score, b, h, q, kv, c, info) => {
  const late = q > info.kvLen / 2 && !(kv === 0);
  return late ? score * 2 : score;
};`;

const captures = { bias: { dtype: 'f32', shape: [4, 8] }, strength: 3 };

type Mods = Record<string, (...args: never[]) => number>;

const load = (code: string): Promise<Mods> =>
  import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`) as Promise<Mods>;

const minifiers = {
  esbuild: () => transformSync(source, { minify: true, format: 'esm' }).code,
  rolldown: async () => (await rolldown('mods.js', source, { module: true })).code,
  terser: async () => (await minify(source, { module: true, compress: { passes: 3 } })).code!,
};

describe.for(Object.entries(minifiers))('after %s', ([, shrink]) => {
  it('a mod compiles to the same program', async () => {
    const [plain, small] = await Promise.all([load(source), load(await shrink())]);
    const hashes = (mods: Mods): Record<string, string> =>
      Object.fromEntries(
        Object.entries(mods).map(([name, mod]) => [name, compileMod(mod, captures).hash]),
      );
    expect(Object.keys(small).length).toBe(5);
    expect(hashes(small)).toEqual(hashes(plain));
    expect(String(small['clipped'])).not.toBe(String(plain['clipped']));
  });
});
