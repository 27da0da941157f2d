import { bareVars, nagaGaps, unpairedBracket, untidiness } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { appendSource } from '../../../src/kernels/append-rows.wgsl.ts';
import { sources } from './sources.ts';

/** Read a change of these files like a change of code. */
it.for(['append-f16', 'append-int4-rotary', 'copy', 'fill', 'unpack', 'rotate-f16'])(
  '%s',
  async (name) => {
    await expect(sources[name]!.code).toMatchFileSnapshot(`../__snapshots__/${name}.wgsl`);
  },
);

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
