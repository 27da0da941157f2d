import * as fc from 'fast-check';
import type { PageGeometry } from '../../../src/pages/page-geometry.ts';
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

/** Valid records of any geometry; the payload's length need not match it. */
export const anyRecord: fc.Arbitrary<PageRecord> = fc
  .record({
    geometry: anyGeometry,
    salt: fc.string(),
    depth: u32,
    payload: fc.uint8Array({ maxLength: 200 }),
  })
  .chain(({ geometry, salt, depth, payload }) => {
    const { pageSize } = geometry;
    return fc.array(u32, { minLength: pageSize, maxLength: pageSize }).map((list) => {
      const tokens = Uint32Array.from(list);
      const parent = rootName(salt);
      return { geometry, name: pageName(parent, tokens), parent, depth, tokens, payload };
    });
  });

const tokens = Uint32Array.of(0x01020304, 5);
const parent = rootName();

export const smallRecord: PageRecord = {
  geometry: { layers: 1, kvHeads: 2, headDim: 3, headDimV: 4, pageSize: 2, format: 'int8' },
  name: pageName(parent, tokens),
  parent,
  depth: 0,
  tokens,
  payload: Uint8Array.of(10, 20, 30),
};

/** Returns a record with edited bytes and a matching checksum. */
export async function forged(
  record: PageRecord,
  edit: (view: DataView) => void,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(await encodeRecord(record));
  edit(new DataView(bytes.buffer));
  const end = bytes.length - 32;
  bytes.set(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.subarray(0, end))), end);
  return bytes;
}
