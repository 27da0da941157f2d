import { deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decodeShared, encodeShared } from '../../src/explore/share.ts';

test('a link gives back what was shared, in characters that an address keeps', async () => {
  const shared = { text: `// ün∞ 😀\n${'const a = 1;\n'.repeat(200)}`, tokens: 4096, head: 3 };
  const payload = await encodeShared(shared);
  expect(payload).toMatch(/^[\w-]+$/);
  expect(payload.length).toBeLessThan(300);
  expect(await decodeShared(payload)).toEqual(shared);
});

const packed = (text: string): string => deflateRawSync(text).toString('base64url');

test.for(['nonsense', '', '%%%', ...['{}', 'null', '[]', '3', '"text"'].map(packed)])(
  'a damaged link is refused: %s',
  async (payload) => {
    await expect(decodeShared(payload)).rejects.toThrow('This link is damaged');
  },
);

test('a small link that unpacks to very much is refused', async () => {
  const bomb = deflateRawSync(Buffer.alloc(2_000_000, 97)).toString('base64url');
  await expect(decodeShared(bomb)).rejects.toThrow('does not unpack');
});
