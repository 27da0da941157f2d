import { describe, expect, it } from 'vitest';
import type { Faults } from '../../src/host/faults.ts';
import { CompileError, DeviceLostError, GpuError, type HeedError } from '../../src/text/errors.ts';
import { FakeDevice, fakeError, newFaults } from './fake-device.ts';

interface Fakes {
  readonly device: FakeDevice;
  readonly faults: Faults;
  readonly told: HeedError[];
  readonly done: () => Promise<void>;
}

function newFakes(owned = true): Fakes {
  const device = new FakeDevice();
  const { faults, told } = newFaults(device, owned);
  return { device, faults, told, done: () => faults.verdict(() => Promise.resolve()) };
}

const task = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Resolves after faults that no call awaits have been reported. */
async function tasks(): Promise<void> {
  for (let i = 0; i < 4; i++) await task();
}

/** Makes a call that the GPU refuses. */
function faulty({ device, faults }: Fakes, message: string): void {
  faults.scope('f', ['validation'], () => {});
  device.scopes.at(-1)!.resolve(fakeError('Validation', message));
}

describe('Faults', () => {
  it('balances its scopes, also when the work throws', () => {
    const { device, faults } = newFakes();
    expect(faults.scope('f', ['validation', 'internal'], () => 7)).toBe(7);
    expect(() =>
      faults.scope('f', ['validation'], () => {
        throw new Error('inner');
      }),
    ).toThrow('inner');
    expect(device.openScopes).toBe(0);
    expect(device.scopes).toHaveLength(3);
  });

  it('blames the loss of the device for what it aborts, also where the news comes late', async () => {
    const { device, faults } = newFakes();
    const aborted = faults.verdict(() =>
      Promise.reject(new DOMException('Buffer unmapped', 'AbortError')),
    );
    setTimeout(() => device.lose({ reason: 'destroyed', message: '' }), 50);
    await expect(aborted).rejects.toBeInstanceOf(DeviceLostError);
  });

  it('waits for the scopes that were open before', async () => {
    const { device, faults, done } = newFakes();
    faults.scope('f', ['validation'], () => {});
    let settled = false;
    const waiting = done().then(() => (settled = true));
    await Promise.resolve();
    expect(settled).toBe(false);
    device.scopes[0]!.resolve(null);
    await waiting;
  });

  it('tells a fault to all who asked before its first report, and to nobody after', async () => {
    const { device, faults, done } = newFakes();
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
    const { device, faults, done } = newFakes();
    const early = done();
    faults.scope('f', ['validation'], () => {});
    device.scopes[0]!.resolve(fakeError('Validation', 'later'));
    await early;
    await expect(done()).rejects.toThrow('later');
  });

  it('reports the earliest fault, however long its error takes to be known', async () => {
    const { device, faults, done } = newFakes();
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
    const { device, faults, done } = newFakes();
    faults.scope('f', ['validation'], () => {});
    device.scopes[0]!.resolve(fakeError(type, 'why'));
    const error: unknown = await done().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(GpuError);
    expect((error as GpuError).kind).toBe(kind);
  });

  it('prefers a fault to the failure that it causes', async () => {
    const { device, faults } = newFakes();
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
    const { device, faults } = newFakes();
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
    const { device, faults } = newFakes();
    const pending = faults.verdict(() => Promise.reject(new Error('map aborted')));
    setTimeout(() => device.lose({ reason: 'destroyed', message: '' }), 0);
    await expect(pending).rejects.toThrow('device.destroy() was called');
  });

  it('rejects with the reason of an abort, and leaves no listener', async () => {
    const { faults } = newFakes();
    const controller = new AbortController();
    const pending = faults.verdict(() => new Promise(() => {}), controller.signal);
    controller.abort(new Error('changed my mind'));
    await expect(pending).rejects.toThrow('changed my mind');
    await expect(
      faults.verdict(() => Promise.resolve(1), new AbortController().signal),
    ).resolves.toBe(1);
  });

  it('survives scopes that cannot be popped', async () => {
    const { device, faults, done } = newFakes();
    faults.scope('f', ['validation'], () => {});
    device.scopes[0]!.reject(new Error('lost'));
    await expect(done()).resolves.toBeUndefined();
  });
});

describe('a fault that nobody awaits', () => {
  it('is told once, and may be awaited later', async () => {
    const fakes = newFakes();
    faulty(fakes, 'unseen');
    await tasks();
    expect(fakes.told).toEqual([expect.any(GpuError)]);
    expect(fakes.told[0]!.message).toContain('f: the GPU found an error (validation): unseen');
    await expect(fakes.done()).rejects.toBe(fakes.told[0]);
    await tasks();
    expect(fakes.told).toHaveLength(1);
  });

  it('is told each, in order', async () => {
    const fakes = newFakes();
    faulty(fakes, 'one');
    faulty(fakes, 'two');
    await tasks();
    expect(fakes.told.map(({ message }) => /: (one|two) /.exec(message)?.[1])).toEqual([
      'one',
      'two',
    ]);
  });

  it('is not told where somebody asks in the next task', async () => {
    const fakes = newFakes();
    faulty(fakes, 'seen');
    await task();
    await expect(fakes.done()).rejects.toThrow('seen');
    await tasks();
    expect(fakes.told).toEqual([]);
  });

  it('is not told while somebody waits for other work', async () => {
    const fakes = newFakes();
    const work = Promise.withResolvers<void>();
    faulty(fakes, 'seen');
    const asked = fakes.faults.verdict(() => work.promise);
    await tasks();
    work.resolve();
    await expect(asked).rejects.toThrow('seen');
    await tasks();
    expect(fakes.told).toEqual([]);
  });

  it('is told where who asked has gone, or asked before the call', async () => {
    const fakes = newFakes();
    const work = Promise.withResolvers<void>();
    const controller = new AbortController();
    const early = fakes.faults.verdict(() => work.promise);
    faulty(fakes, 'unseen');
    await tasks();
    expect(fakes.told).toHaveLength(1);
    faulty(fakes, 'left');
    const gone = fakes.faults.verdict(() => work.promise, controller.signal);
    controller.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    work.resolve();
    await early;
    await tasks();
    expect(fakes.told).toHaveLength(2);
    await expect(fakes.done()).rejects.toThrow('unseen');
  });

  it('is told without what follows from it', async () => {
    const { device, faults, told } = newFakes();
    faults.scope(
      'f',
      ['validation'],
      () => {},
      () => false,
    );
    device.scopes[0]!.resolve(fakeError('Validation', 'follows'));
    await tasks();
    expect(told).toEqual([]);
  });
});

describe('an uncaptured error', () => {
  const caught = (fakes: Fakes, kind: 'OutOfMemory' | 'Validation'): boolean => {
    let prevented = false;
    const preventDefault = (): void => void (prevented = true);
    fakes.device.uncaptured({ error: fakeError(kind, 'late'), preventDefault });
    return prevented;
  };

  it('of memory is told, in place of the event, on a device of heed’s', async () => {
    const fakes = newFakes(true);
    expect(caught(fakes, 'OutOfMemory')).toBe(true);
    await tasks();
    expect(fakes.told).toHaveLength(1);
  });

  it('is the caller’s on a device of theirs, and rejects what is awaited', async () => {
    const fakes = newFakes(false);
    expect(caught(fakes, 'OutOfMemory')).toBe(false);
    await tasks();
    expect(fakes.told).toEqual([]);
    await expect(fakes.done()).rejects.toThrow('late');
  });

  it('of validation is not heed’s', async () => {
    const fakes = newFakes(true);
    expect(caught(fakes, 'Validation')).toBe(false);
    await fakes.done();
  });
});

describe('a loss', () => {
  it('that nobody awaits is told', async () => {
    const { device, told } = newFakes();
    device.lose({ reason: 'unknown', message: 'driver reset' });
    await tasks();
    expect(told).toEqual([expect.any(DeviceLostError)]);
  });

  it('is not told to who awaits gpu.lost or has destroyed the device', async () => {
    const [awaited, destroyed] = [newFakes(), newFakes()];
    const lost = awaited.faults.lost;
    awaited.device.lose({ reason: 'unknown', message: '' });
    destroyed.device.lose({ reason: 'destroyed', message: '' });
    await lost;
    await tasks();
    expect([...awaited.told, ...destroyed.told]).toEqual([]);
  });

  it('says that dispose() destroyed the device where it did', async () => {
    const [own, theirs] = [newFakes(true), newFakes(false)];
    for (const { faults, device } of [own, theirs]) {
      faults.close();
      device.lose({ reason: 'destroyed', message: '' });
    }
    expect((await own.faults.lost).message).toContain('gpu.dispose() was called');
    expect((await theirs.faults.lost).message).toContain('device.destroy() was called');
  });
});
