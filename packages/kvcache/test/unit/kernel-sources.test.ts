import type { KernelSource } from '@heed/core/kernel';
import { bareVars, nagaGaps, unpairedBracket, untidiness } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { appendSource } from '../../src/kernels/append-rows.wgsl.ts';
import { copySource, fillSource } from '../../src/kernels/page-edits.ts';
import { moveSource } from '../../src/kernels/move-rows.ts';
import { rotateSource } from '../../src/kernels/rotate.ts';

/** Every kernel of the package, by file name. */
const sources: Readonly<Record<string, KernelSource>> = {
  'append-f32': appendSource({ format: 'f32', rotary: false }),
  'append-f32-rotary': appendSource({ format: 'f32', rotary: true }),
  'append-f16': appendSource({ format: 'f16', rotary: false }),
  'append-f16-rotary': appendSource({ format: 'f16', rotary: true }),
  'append-int8': appendSource({ format: 'int8', rotary: false }),
  'append-int8-rotary': appendSource({ format: 'int8', rotary: true }),
  'append-int4': appendSource({ format: 'int4', rotary: false }),
  'append-int4-rotary': appendSource({ format: 'int4', rotary: true }),
  copy: copySource,
  fill: fillSource,
  move: moveSource,
  'rotate-f32': rotateSource('f32'),
  'rotate-f16': rotateSource('f16'),
};

/** Two whole kernels, the parts of `rotate` that the others lack, and all kernels that move pages. */
const shown: Readonly<Record<string, readonly string[]>> = {
  'append-f16': ['append-f16'],
  'append-int4-rotary': ['append-int4-rotary'],
  'rotate-f16': ['rotate-f16'],
  pages: ['copy', 'fill', 'move'],
};

/** Read a change of these files like a change of code. */
it.for(Object.entries(shown))('%s', async ([file, names]) => {
  const code = names.map((name) => sources[name]!.code).join('\n');
  await expect(code).toMatchFileSnapshot(`./__snapshots__/${file}.wgsl`);
});

describe.for(Object.entries(sources))('%s', ([, { code, bindings }]) => {
  it('initialises its variables, pairs its brackets and reads as if written by hand', () => {
    expect(bareVars(code)).toEqual([]);
    expect(unpairedBracket(code)).toBeUndefined();
    expect(untidiness(code)).toEqual([]);
  });

  it('holds nothing that naga lacks', () => {
    expect(nagaGaps(code)).toEqual([]);
  });

  it('says in its bindings what its source says, at most 8 of them storage', () => {
    const access = { 'storage, read': 'read', 'storage, read_write': 'write', uniform: 'uniform' };
    const declared = [...code.matchAll(/@group\(0\) @binding\((\d+)\) var<([^>]+)>/g)];
    expect(declared.map((m) => Number(m[1]))).toEqual(bindings.map((_, i) => i));
    expect(declared.map((m) => access[m[2] as keyof typeof access])).toEqual(bindings);
    expect(bindings.filter((kind) => kind !== 'uniform').length).toBeLessThanOrEqual(8);
  });
});

it('a source is generated once', () => {
  expect(appendSource({ format: 'f16', rotary: true })).toBe(sources['append-f16-rotary']);
});
