import { minify as swc } from '@swc/core';
import { transformSync } from 'esbuild';
import { minify as terser } from 'terser';
import { minify as uglify } from 'uglify-js';
import { minify as oxc } from 'vite';

// Vite passes on oxc, which it minifies with.

/** A module's code made small. */
export type Minifier = (code: string) => string | Promise<string>;

/** The minifiers of bundlers, as those call them: Vite's esbuild and oxc, webpack's terser, Next's SWC, and uglify. */
export const minifiers: Readonly<Record<string, Minifier>> = {
  esbuild: (code) => transformSync(code, { minify: true, format: 'esm' }).code,
  oxc: async (code) => (await oxc('mods.js', code, { module: true })).code,
  terser: async (code) => (await terser(code, { module: true })).code!,
  swc: async (code) => (await swc(code, { module: true, compress: true, mangle: true })).code,
  uglify: (code) => {
    const { code: small, error } = uglify(code, { module: true });
    if (error) throw error;
    return small;
  },
};

/** The same with options that projects set. */
export const settings: Readonly<Record<string, Minifier>> = {
  'esbuild, keepNames': (code) =>
    transformSync(code, { minify: true, keepNames: true, format: 'esm' }).code,
  'esbuild, keepNames alone': (code) =>
    transformSync(code, { keepNames: true, format: 'esm' }).code,
  'esbuild, ES2016': (code) =>
    transformSync(code, { minify: true, target: 'es2016', format: 'esm' }).code,
  'terser, 3 passes': async (code) =>
    (await terser(code, { module: true, compress: { passes: 3 } })).code!,
  'terser, ES5 output': async (code) =>
    (
      await terser(code, {
        ecma: 5,
        safari10: true,
        compress: { comparisons: false, inline: true },
      })
    ).code!,
  'swc, 3 passes': async (code) =>
    (await swc(code, { module: true, compress: { passes: 3 }, mangle: true })).code,
};

type Mods = Readonly<Record<string, Function>>;

/** What a module of this code exports. */
export const load = (code: string): Promise<Mods> =>
  import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`) as Promise<Mods>;

/** A module that exports each function as `m0`, `m1` and so on. */
export const moduleOf = (texts: readonly string[]): string =>
  texts.map((text, i) => `export const m${i} = ${text};\n`).join('');
