import { deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { blockSizeOf, countClasses } from '../../src/explore/model/findings.ts';
import {
  largestDifference,
  normal,
  rawScores,
  SIZES,
  softmaxRows,
  twinScores,
} from '../../src/explore/model/sample-problem.ts';
import { compileProgram } from '../../src/explore/program/compiled-program.ts';
import { decodeShared, encodeShared } from '../../src/explore/view/share-link.ts';
import { Latest } from '../../src/page/tasks.ts';

test('random numbers are normal, and the same each time', () => {
  const numbers = normal(10_000, 7);
  expect(normal(10_000, 7)).toEqual(numbers);
  const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const variance = numbers.reduce((a, b) => a + b * b, 0) / numbers.length;
  expect(mean).toBeCloseTo(0, 1);
  expect(variance).toBeCloseTo(1, 1);
});

test('scores are those of the mods; a row without a visible key has no weight', async () => {
  const compiled = compileProgram(
    'const scoreMod = (s, b, h) => s + h; const maskMod = (b, h, q, kv) => q > kv;',
  );
  if (!compiled.ok) throw new Error(compiled.diagnostic.message);
  const scores = await twinScores(compiled.program, new AbortController().signal);
  const at = (2 * 64 + 9) * 64 + 4;
  expect(scores[at]).toBeCloseTo(rawScores[at]! + 2, 5);
  expect(scores[(2 * 64 + 4) * 64 + 9]).toBe(-Infinity);
  const weights = softmaxRows(scores);
  expect(weights.subarray(0, 64).every((w) => w === 0)).toBe(true);
  expect(weights.subarray(64 * 9, 64 * 10).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
});

test('differences are found wherever they are', () => {
  expect(largestDifference(Float32Array.of(1, 2, 3), Float32Array.of(1, 2.5, 2.75))).toBe(0.5);
});

test('blocks divide every size, at most 128 to a side', () => {
  for (const tokens of SIZES) {
    expect(tokens % blockSizeOf(tokens)).toBe(0);
    expect(tokens / blockSizeOf(tokens)).toBeLessThanOrEqual(128);
  }
});

test('classes are counted by head; heads that are alike are one', () => {
  const classes = Uint8Array.of(0, 1, 2, 2, 2, 2, 2, 0);
  const blocks = {
    shape: [1, 2, 2, 2] as const,
    classes,
    columns: Uint32Array.of(2, 2),
    total: 8,
    visited: 6,
  };
  expect(countClasses(blocks, 0)).toEqual([1, 1, 2]);
  expect(countClasses(blocks, 1)).toEqual([1, 0, 3]);
  expect(countClasses({ ...blocks, shape: [1, 1, 2, 2] }, 3)).toEqual([1, 1, 2]);
});

test('of many calls the last one runs; one that runs is told to stop, and ends first', async () => {
  const latest = new Latest(5);
  const log: string[] = [];
  const task =
    (name: string) =>
    async (signal: AbortSignal): Promise<void> => {
      log.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 30));
      log.push(`${name} ends${signal.aborted ? ' stale' : ''}`);
      signal.throwIfAborted();
    };
  const failed = (error: unknown): void => void log.push(String(error));
  const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  latest.call(task('dropped'), failed);
  latest.call(task('first'), failed);
  await wait(15);
  latest.call(task('waiting'), failed);
  await wait(10);
  latest.call(task('last'), failed);
  await wait(120);
  expect(log).toEqual(['first begins', 'first ends stale', 'last begins', 'last ends']);
  latest.call(() => Promise.reject(new Error('broken')), failed);
  await wait(20);
  expect(log.at(-1)).toBe('Error: broken');
});

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
