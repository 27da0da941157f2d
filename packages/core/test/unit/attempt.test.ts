import { expect, it } from 'vitest';
import { attempt } from '../../src/device/attempt.ts';
import type { Faults } from '../../src/device/faults.ts';
import { DeviceLostError } from '../../src/errors.ts';
import { FakeDevice, fakeError, newFaults } from './fake-device.ts';

function newDevice(): { fake: FakeDevice; device: GPUDevice; faults: Faults } {
  const fake = new FakeDevice();
  return { fake, device: fake.asDevice(), ...newFaults(fake) };
}

it('the error of an attempt is told to its maker alone', async () => {
  const { fake, device, faults } = newDevice();
  const tried = [
    attempt(device, faults, 'out-of-memory', () => 1),
    attempt(device, faults, 'internal', () => 2),
  ];
  const error = fakeError('OutOfMemory', 'no room');
  fake.scopes[0]!.resolve(error);
  fake.scopes[1]!.resolve(null);
  expect(await Promise.all(tried)).toEqual([
    { result: 1, error },
    { result: 2, error: null },
  ]);
  await faults.verdict(() => Promise.resolve());
});

it('an attempt that throws leaves no scope open', async () => {
  const { fake, device, faults } = newDevice();
  const thrown = attempt(device, faults, 'out-of-memory', () => {
    throw new Error('inner');
  });
  await expect(thrown).rejects.toThrow('inner');
  expect(fake.openScopes).toBe(0);
});

it('an attempt on a device that is lost meanwhile rejects with the loss', async () => {
  const { fake, device, faults } = newDevice();
  const pending = attempt(device, faults, 'out-of-memory', () => 1);
  fake.lose({ reason: 'unknown', message: 'gone' });
  await expect(pending).rejects.toThrow(DeviceLostError);
});
