import { expect, it } from 'vitest';
import { BufferPool } from '../../src/buffers/pool.ts';
import { tryBuffer } from '../../src/buffers/try-buffer.ts';
import { LimitError } from '../../src/errors.ts';
import { FakeDevice, fakeError, newFaults } from './fake-device.ts';

function newState(maxBufferSize?: number) {
  const fake = new FakeDevice(maxBufferSize);
  const device = fake.asDevice();
  const { faults } = newFaults(fake);
  return { fake, state: { device, faults, pool: new BufferPool(device, faults, 0x80) } };
}

const destroyed = ({ buffers }: FakeDevice): boolean[] => buffers.map((x) => x.destroyed);

it('tries for exactly the bytes, after giving up what lies idle', async () => {
  const { fake, state } = newState();
  state.pool.release(state.pool.acquire('f', 10, 'idle'));
  const trying = tryBuffer(state, 'f', 1025, 'large');
  expect(destroyed(fake)).toEqual([true, false]);
  for (const scope of fake.scopes) scope.resolve(null);
  expect(await trying).toMatchObject({ size: 1028, label: 'large' });
});

it('tries in vain where there is no room, and leaves nothing behind', async () => {
  const { fake, state } = newState(4096);
  const trying = tryBuffer(state, 'f', 4096, 'large');
  fake.scopes[0]!.resolve(fakeError('OutOfMemory', 'no room'));
  expect(await trying).toBeUndefined();
  expect(destroyed(fake)).toEqual([true]);
  expect(fake.openScopes).toBe(0);
  fake.scopes[1]!.resolve(null);
  await state.faults.verdict(() => Promise.resolve());
  await expect(tryBuffer(state, 'f', 4097, 'larger')).rejects.toThrow(LimitError);
});
