import { expect, it } from 'vitest';
import { memoryStore } from '../../../src/stores/kv-store.ts';
import { describeStore } from './store-contract.ts';

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
