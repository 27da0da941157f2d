import { HeedError } from '@heed/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { opfsStore } from '../../../src/browser.ts';
import { memoryStore } from '../../../src/stores/kv-store.ts';
import { describeStore, keysOf } from '@heed/testing/store-contract';

describeStore('memoryStore()', memoryStore);

it('memoryStore() is a new store each time', async () => {
  const [a, b] = [memoryStore(), memoryStore()];
  await a.put('greeting', new Uint8Array([104, 105]));
  expect((await a.get('greeting'))?.length).toBe(2);
  expect(await b.get('greeting')).toBeUndefined();
});

it('memoryStore() copies a Buffer, whose slice() shares memory', async () => {
  const store = memoryStore();
  const buffer = Buffer.from([1, 2]);
  await store.put('a', buffer);
  buffer.fill(0);
  expect(await store.get('a')).toEqual(Uint8Array.of(1, 2));
});

afterEach(() => void vi.unstubAllGlobals());

const locks = { request: (_: string, __: LockOptions, work: () => Promise<unknown>) => work() };
class WritableHandle {
  createWritable(): void {}
}
const refused = new DOMException('denied', 'SecurityError');

/** Stubs a browser's file system. */
function stubBrowser(getDirectory: unknown, handle: unknown = WritableHandle): void {
  vi.stubGlobal('isSecureContext', true);
  vi.stubGlobal('navigator', { storage: { getDirectory }, locks });
  vi.stubGlobal('FileSystemFileHandle', handle);
}

const failureOf = async (work: () => unknown): Promise<HeedError> => {
  try {
    await work();
  } catch (error) {
    if (HeedError.is(error)) return error;
    throw error;
  }
  throw new Error('no error');
};

describe('opfsStore refuses at once', () => {
  it('outside browsers', async () => {
    const { code, message } = await failureOf(() => opfsStore('x'));
    expect(code).toBe('unsupported');
    expect(message).toMatch(
      /^opfsStore: needs navigator\.storage\.getDirectory, .* use memoryStore\(\)/,
    );
  });

  it('in an insecure context, and names the remedy', async () => {
    vi.stubGlobal('isSecureContext', false);
    const { code, message } = await failureOf(() => opfsStore('x'));
    expect(code).toBe('unsupported');
    expect(message).toMatch(
      /an insecure context .* by https or from localhost, or use memoryStore\(\)/,
    );
  });

  it('in a browser that cannot write files', async () => {
    stubBrowser(() => {}, { prototype: {} });
    const { message } = await failureOf(() => opfsStore('x'));
    expect(message).toMatch(/needs FileSystemFileHandle\.createWritable, .* Safari from 26/);
  });

  it('a name that no folder could have', async () => {
    stubBrowser(() => {});
    const { code, message } = await failureOf(() => opfsStore('x'.repeat(231)));
    expect(code).toBe('validation');
    expect(message).toMatch(/^opfsStore: the name must not be longer than 230/);
  });
});

describe('opfsStore explains', () => {
  it('a browser that denies access', async () => {
    stubBrowser(() => Promise.reject(refused));
    const store = opfsStore('x');
    const calls = [
      () => store.get('a'),
      () => store.put('a', new Uint8Array(1)),
      () => store.delete('a'),
      () => keysOf(store),
    ];
    for (const call of calls) {
      const { code, message, cause } = await failureOf(call);
      expect(code).toBe('unsupported');
      expect(message).toMatch(
        /^opfsStore\(\)\.\w+: the browser refused .* \(SecurityError: denied\); .* use memoryStore/,
      );
      expect(cause).toBe(refused);
    }
  });

  it('a quota that is used up, and gives the file free again', async () => {
    const abort = vi.fn<() => Promise<void>>(() => Promise.resolve());
    const write = (): Promise<void> =>
      Promise.reject(new DOMException('no room', 'QuotaExceededError'));
    const file = { createWritable: async () => ({ write, abort, close: write }) };
    const folder = { getFileHandle: async () => file };
    stubBrowser(async () => ({ getDirectoryHandle: async () => folder }));
    const { code, message } = await failureOf(() => opfsStore('x').put('a', new Uint8Array(1)));
    expect(code).toBe('capacity');
    expect(message).toMatch(/^opfsStore\(\)\.put: the origin's storage quota .* delete entries/);
    expect(abort).toHaveBeenCalledOnce();
  });
});
