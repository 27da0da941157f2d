import type { PageFormat } from '@heed/core';
import * as fc from 'fast-check';
import { geometryText, type PageGeometry } from '../../../src/pages/page-geometry.ts';
import { pageName, rootName } from '../../../src/pages/page-name.ts';
import { encodeRecord, type PageRecord } from '../../../src/stores/page-record.ts';

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

export const anyGeometry: fc.Arbitrary<PageGeometry> = fc.record({
  layers: u32,
  kvHeads: u32,
  headDim: u32,
  headDimV: u32,
  pageSize: fc.integer({ min: 1, max: 20 }),
  format: fc.constantFrom('f32', 'f16', 'bf16', 'int8', 'int4'),
});

/** Returns the name of the last of several pages. */
function lastName(parent: string, tokens: Uint32Array, pages: number): string {
  let name = parent;
  const size = tokens.length / pages;
  for (let i = 0; i < pages; i++) name = pageName(name, tokens.subarray(i * size, (i + 1) * size));
  return name;
}

/** Valid records of any geometry; the payload's length need not match it. */
export const anyRecord: fc.Arbitrary<PageRecord> = fc
  .record({
    geometry: anyGeometry,
    namespace: fc.constantFrom('', 'my-model', '_004dy'),
    group: u32,
    salt: fc.string(),
    depth: u32,
    pages: fc.integer({ min: 1, max: 4 }),
    payload: fc.uint8Array({ maxLength: 200 }),
  })
  .chain(({ geometry, salt, pages, ...rest }) => {
    const count = pages * geometry.pageSize;
    return fc.array(u32, { minLength: count, maxLength: count }).map((list) => {
      const tokens = Uint32Array.from(list);
      const parent = rootName(salt);
      const name = lastName(parent, tokens, pages);
      return { ...rest, geometry: geometryText(geometry), pages, name, parent, tokens };
    });
  });

const tokens = Uint32Array.of(0x01020304, 5, 6, 7);
const parent = rootName();

export const smallGeometry: PageGeometry = {
  layers: 1,
  kvHeads: 2,
  headDim: 3,
  headDimV: 4,
  pageSize: 2,
  format: 'int8',
};

/** Two pages. */
export const smallRecord: PageRecord = {
  geometry: geometryText(smallGeometry),
  namespace: 'my-model',
  group: 0,
  depth: 0,
  parent,
  name: lastName(parent, tokens, 2),
  pages: 2,
  tokens,
  payload: Uint8Array.of(10, 20, 30),
};

/** Returns a record with edited bytes and a matching checksum. */
export async function forged(
  record: PageRecord,
  edit: (view: DataView) => void,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(await encodeRecord(record, undefined));
  edit(new DataView(bytes.buffer));
  return sealed(bytes);
}

/** Writes the SHA-256 at the end of a record. */
async function sealed(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const end = bytes.length - 32;
  bytes.set(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.subarray(0, end))), end);
  return bytes;
}

const formats: readonly (PageFormat | undefined)[] = [
  undefined,
  'f32',
  'f16',
  'int8',
  'int4',
  'bf16',
];

/** Returns a record of one page as heed wrote it in version 1. */
export async function oldRecord(
  { layers, kvHeads, headDim, headDimV, pageSize, format }: PageGeometry,
  { parent: above, name, depth, tokens: own, payload }: PageRecord,
): Promise<Uint8Array> {
  const sizes = [layers, kvHeads, headDim, headDimV, pageSize];
  const words = Uint32Array.of(1, ...sizes, formats.indexOf(format), payload.length);
  return sealed(
    new Uint8Array(
      Buffer.concat([
        Buffer.from('heedpage'),
        new Uint8Array(words.buffer),
        Buffer.from(name + above, 'hex'),
        new Uint8Array(Uint32Array.of(depth).buffer),
        new Uint8Array(own.slice().buffer),
        payload,
        new Uint8Array(32),
      ]),
    ),
  );
}
