import { describe, expect, it } from 'vitest';
import { Faults } from '../../src/device/faults.ts';
import { CompileError, DeviceLostError, GpuError } from '../../src/errors.ts';
import { FakeDevice, fakeError } from './fake-device.ts';

function newFaults(): { device: FakeDevice; faults: Faults; done: () => Promise<void> } {
  const device = new FakeDevice();
  const faults = new Faults(device.asDevice());
  return { device, faults, done: () => faults.verdict(() => Promise.resolve()) };
}

describe('Faults', () => {
  it('balances its scopes, also when the work throws', () => {
    const { device, faults } = newFaults();
    expect(faults.scope('f', ['validation', 'internal'], () => 7)).toBe(7);
    expect(() =>
      faults.scope('f', ['validation'], () => {
        throw new Error('inner');
      }),
    ).toThrow('inner');
    expect(device.openScopes).toBe(0);
    expect(device.scopes).toHaveLength(3);
  });

  it('waits for the scopes that were open before', async () => {
    const { device, faults, done } = newFaults();
    faults.scope('f', ['validation'], () => {});
    let settled = false;
    const waiting = done().then(() => (settled = true));
    await Promise.resolve();
    expect(settled).toBe(false);
    device.scopes[0]!.resolve(null);
    await waiting;
  });

  it('tells a fault to all who asked before its first report, and to nobody after', async () => {
    const { device, faults, done } = newFaults();
    faults.scope('attention', ['validation'], () => {});
    const asked = [done(), done()];
    device.scopes[0]!.resolve(fakeError('Validation', 'bad group'));
    const results = await Promise.allSettled(asked);
    for (const r of results) {
      expect(r).toMatchObject({ status: 'rejected', reason: { kind: 'validation' } });
      expect(String((r as PromiseRejectedResult).reason)).toContain(
        'attention: the GPU found an error (validation): bad group',
      );
    }
    await done();
  });

  it('does not blame work issued after the question', async () => {
    const { device, faults, done } = newFaults();
    const early = done();
    faults.scope('f', ['validation'], () => {});
    device.scopes[0]!.resolve(fakeError('Validation', 'later'));
    await early;
    await expect(done()).rejects.toThrow('later');
  });

  it('reports the earliest fault, however long its error takes to be known', async () => {
    const { device, faults, done } = newFaults();
    const text = Promise.withResolvers<CompileError>();
    faults.scope(
      'f',
      ['validation'],
      () => {},
      () => text.promise,
    );
    faults.scope('g', ['validation'], () => {});
    device.scopes[1]!.resolve(fakeError('Validation', 'follows from the first'));
    device.scopes[0]!.resolve(fakeError('Validation', 'raw'));
    const asked = done();
    text.resolve(new CompileError('the cause'));
    await expect(asked).rejects.toThrow('the cause');
    await done();
  });

  it.each([
    ['Validation', 'validation'],
    ['OutOfMemory', 'out-of-memory'],
    ['Internal', 'internal'],
  ] as const)('names a %s error', async (type, kind) => {
    const { device, faults, done } = newFaults();
    faults.scope('f', ['validation'], () => {});
    device.scopes[0]!.resolve(fakeError(type, 'why'));
    const error: unknown = await done().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(GpuError);
    expect((error as GpuError).kind).toBe(kind);
  });

  it('prefers a fault to the failure that it causes', async () => {
    const { device, faults } = newFaults();
    faults.scope('f', ['validation'], () => {});
    device.scopes[0]!.resolve(fakeError('Validation', 'root'));
    await expect(faults.verdict(() => Promise.reject(new Error('map failed')))).rejects.toThrow(
      'root',
    );
    await expect(faults.verdict(() => Promise.reject(new Error('map failed')))).rejects.toThrow(
      'map failed',
    );
  });

  it('rejects pending and later questions when the device is lost', async () => {
    const { device, faults } = newFaults();
    const pending = faults.verdict(() => new Promise(() => {}));
    device.lose({ reason: 'unknown', message: 'driver reset' });
    const error: unknown = await pending.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DeviceLostError);
    expect((error as DeviceLostError).reason).toBe('unknown');
    expect(String(error)).toContain('driver reset');
    expect(await faults.lost).toBe(error);
    expect(faults.lostError).toBe(error);
    await expect(faults.verdict(() => Promise.resolve(1))).rejects.toBe(error);
  });

  it('explains a failure that comes just before the loss by the loss', async () => {
    const { device, faults } = newFaults();
    const pending = faults.verdict(() => Promise.reject(new Error('map aborted')));
    setTimeout(() => device.lose({ reason: 'destroyed', message: '' }), 0);
    await expect(pending).rejects.toThrow('somebody called device.destroy()');
  });

  it('rejects with the reason of an abort, and leaves no listener', async () => {
    const { faults } = newFaults();
    const controller = new AbortController();
    const pending = faults.verdict(() => new Promise(() => {}), controller.signal);
    controller.abort(new Error('changed my mind'));
    await expect(pending).rejects.toThrow('changed my mind');
    await expect(
      faults.verdict(() => Promise.resolve(1), new AbortController().signal),
    ).resolves.toBe(1);
  });

  it('survives scopes that cannot be popped', async () => {
    const { device, faults, done } = newFaults();
    faults.scope('f', ['validation'], () => {});
    device.scopes[0]!.reject(new Error('lost'));
    await expect(done()).resolves.toBeUndefined();
  });
});
