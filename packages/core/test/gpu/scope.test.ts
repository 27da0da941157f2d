import { DisposedError, type Gpu, type Tensor, ValidationError } from '@heed/core';
import { scoped, unscoped } from '@heed/core/kernel';
import { ownGpu } from '@heed/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { add } from './device-fixtures.ts';

// A new Gpu, so that tensors of other tests do not count.
let gpu: Gpu;
let x: Tensor;
beforeAll(async () => {
  gpu = await ownGpu();
  x = gpu.tensor([1, 2, 3, 4], { shape: [2, 2] });
});
afterAll(() => gpu.dispose());

const isGone = (t: Tensor): boolean => {
  try {
    return t.buffer === undefined;
  } catch (error) {
    return error instanceof DisposedError;
  }
};

describe('gpu.scope', () => {
  it('disposes what fn made, keeps what it returns, and gives its value', async () => {
    const { tensors } = gpu.memory();
    const made: Tensor[] = [];
    const out = gpu.scope(() => {
      made.push(add(gpu, x, 1), gpu.wrap(x.buffer, { shape: [2], dtype: 'f32' }));
      return add(gpu, made[0]!, 1);
    });
    expect(made.map(isGone)).toEqual([true, true]);
    expect(gpu.memory().tensors).toBe(tensors + 1);
    expect(await out.read()).toEqual(Float32Array.of(3, 4, 5, 6));
    expect(gpu.scope(() => 7)).toBe(7);
    expect(isGone(x)).toBe(false);
    out.dispose();
  });

  it('finds tensors in arrays and objects, at any depth and in circles', () => {
    const result = gpu.scope(() => {
      gpu.empty([4]);
      const deep: { list: unknown[]; lse?: Tensor; self?: unknown; data: Float32Array } = {
        list: [gpu.empty([1]), { inner: [gpu.empty([2])] }, null],
        data: new Float32Array(4),
      };
      deep.self = deep;
      deep.lse = gpu.empty([3]);
      return deep;
    });
    const [first, { inner }] = result.list as [Tensor, { inner: [Tensor] }];
    const kept = [first, inner[0], result.lse!];
    expect(kept.map(isGone)).toEqual([false, false, false]);
    for (const t of kept) t.dispose();
  });

  it('hands memory to the views that are returned without its owner', async () => {
    const { tensors } = gpu.memory();
    const [a, b] = gpu.scope(() => {
      const both = add(gpu, x, 0);
      return [both.slice(0, 0, 1), both.slice(0, 1, 2)] as const;
    });
    a.dispose();
    expect(await b.read()).toEqual(Float32Array.of(3, 4));
    b.dispose();
    expect(gpu.memory().tensors).toBe(tensors);
    // A view that is returned with its owner owns nothing; neither does a view of an older tensor.
    const { whole, part, old } = gpu.scope(() => {
      const t = gpu.empty([4]);
      return { whole: t, part: t.slice(0, 0, 2), old: x.slice(0, 0, 1) };
    });
    whole.dispose();
    old.dispose();
    expect([isGone(part), isGone(x)]).toEqual([true, false]);
  });

  it('passes what an inner scope returns on to the outer', () => {
    const { tensors } = gpu.memory();
    let inner: Tensor | undefined;
    const out = gpu.scope(() => {
      inner = gpu.scope(() => gpu.empty([1]));
      expect(isGone(inner)).toBe(false);
      return gpu.scope(() => gpu.empty([1]).slice(0, 0, 1));
    });
    expect([isGone(inner!), isGone(out)]).toEqual([true, false]);
    out.dispose();
    expect(gpu.memory().tensors).toBe(tensors);
  });

  it('frees at the submit of an open batch', async () => {
    const out = gpu.batch(() => {
      const one = gpu.scope(() => add(gpu, add(gpu, x, 1), 1));
      // It must not take memory that recorded work still reads.
      const other = add(gpu, x, 10);
      return add(gpu, one, 1, other);
    });
    expect(await out.read()).toEqual(Float32Array.of(4, 5, 6, 7));
  });

  it('disposes all of it where fn throws or is async', () => {
    const { tensors } = gpu.memory();
    const failing = (): void => {
      gpu.empty([1]);
      throw new Error('inner');
    };
    expect(() => gpu.scope(failing)).toThrow('inner');
    const late = async (): Promise<Tensor> => gpu.empty([1]);
    expect(() => gpu.scope(late)).toThrow(ValidationError);
    expect(() => gpu.scope(late)).toThrow('gpu.scope: fn must be synchronous');
    expect(gpu.memory().tensors).toBe(tensors);
    const after = gpu.empty([1]);
    expect(isGone(after)).toBe(false);
    after.dispose();
  });

  it('leaves memory alone that outlives the call, and disposes things that own such', () => {
    let isDisposed = false;
    const thing = { [Symbol.dispose]: () => void (isDisposed = true) };
    let cached: Tensor | undefined;
    const back = gpu.scope(() => {
      cached = unscoped(gpu, () => gpu.empty([1]));
      return { kept: scoped(gpu, thing) };
    });
    expect([isGone(cached!), isDisposed, back.kept === thing]).toEqual([false, false, true]);
    gpu.scope(() => void scoped(gpu, thing));
    expect(isDisposed).toBe(true);
    cached!.dispose();
  });
});

describe('gpu.memory', () => {
  it('counts tensors and the bytes of their buffers, in use, idle and at most', async () => {
    using own = await ownGpu();
    expect(own.memory()).toEqual({ tensors: 0, bytes: 0, pooledBytes: 0, peakBytes: 0 });
    const a = own.empty([1024]);
    const b = own.empty([512], { dtype: 'f16' });
    a.slice(0, 0, 10);
    own.wrap(own.device.createBuffer({ size: 64, usage: 0x80 }), { shape: [4], dtype: 'f32' });
    expect(own.memory()).toMatchObject({ tensors: 2, bytes: 5120, pooledBytes: 0 });
    a.dispose();
    a.dispose();
    expect(own.memory()).toMatchObject({ tensors: 1, bytes: 1024, pooledBytes: 4096 });
    own.empty([1024]);
    b.dispose();
    expect(own.memory()).toEqual({ tensors: 1, bytes: 4096, pooledBytes: 1024, peakBytes: 5120 });
  });

  it('counts what a batch gives back until its submit', async () => {
    using own = await ownGpu();
    const t = own.tensor([1], { shape: [1] });
    own.batch(() => {
      add(own, t, 1).dispose();
      expect(own.memory()).toMatchObject({ tensors: 1, bytes: 512 });
    });
    expect(own.memory()).toMatchObject({ tensors: 1, bytes: 256, pooledBytes: 256 });
  });
});
