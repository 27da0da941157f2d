import * as masks from '@heed/flex/masks';
import * as mods from '@heed/flex/mods';
import { describe, expect, it, test } from 'vitest';
import { gallery } from '../../src/explore/gallery.ts';
import { compileProgram } from '../../src/explore/program/program.ts';

const names = (group: string): string[] =>
  gallery.filter((example) => example.group === group).map(({ name }) => name);

test('every mod and mask that is shipped is in the gallery', () => {
  expect(names('Score mods')).toEqual(Object.keys(mods).toSorted());
  expect(names('Masks')).toEqual(Object.keys(masks).toSorted());
});

describe.for(gallery)('$name', ({ name, group, text, about }) => {
  it('compiles, and shows some pairs of the heat map but not all', () => {
    const compiled = compileProgram(text);
    if (!compiled.ok) throw new Error(compiled.diagnostic.message);
    const { score, mask, tables } = compiled.program;
    expect(score !== undefined).toBe(group !== 'Masks');
    expect(about).not.toBe('');
    if (group !== 'Masks') return;
    const seen = Array.from({ length: 64 * 64 }, (_, i) =>
      mask!.js(0, 0, Math.floor(i / 64), i % 64, tables, { qLen: 64, kvLen: 64 }),
    );
    expect(new Set(seen).size, name).toBe(2);
  });
});
