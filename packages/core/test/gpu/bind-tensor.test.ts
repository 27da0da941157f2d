import { DisposedError, type Gpu, LimitError, type Tensor, ValidationError } from '@heed/core';
import { adopt, bindTensor, checkTensor } from '@heed/core/kernel';
import { testGpu } from '@heed/testing';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { followChain, viewChain, type ViewOp } from '../view-model.ts';
import { injectedGpu } from './device-fixtures.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

describe('bindTensor', { tags: ['device'] }, () => {
  it.each([
    [0, 100, { offset: 0, size: 400, elementOffset: 0 }],
    [63, 64, { offset: 0, size: 256, elementOffset: 63 }],
    [64, 65, { offset: 256, size: 4, elementOffset: 0 }],
    [99, 100, { offset: 256, size: 144, elementOffset: 35 }],
  ])('covers elements %i to %i, its start aligned down to 256 bytes', (start, end, want) => {
    const t = gpu.empty([100]).slice(0, start, end);
    const { range, elementOffset } = bindTensor(t);
    expect({ offset: range.offset, size: range.size, elementOffset }).toEqual(want);
  });

  it('covers no more than a strided view touches', () => {
    const t = gpu.empty([10, 10]).slice(1, 3, 5).permute([1, 0]);
    expect(bindTensor(t).range.size).toBe((9 * 10 + 2 + 3) * 4);
  });

  it('counts halves, and rounds up to whole loads', () => {
    const t = gpu.empty([200], { dtype: 'f16' }).slice(0, 129, 132);
    expect(bindTensor(t)).toMatchObject({ range: { offset: 256, size: 8 }, elementOffset: 1 });
    expect(bindTensor(t, 16).range.size).toBe(16);
  });

  it('refuses loads that would reach beyond a foreign buffer', () => {
    const buffer = gpu.device.createBuffer({ size: 20, usage: 0x80 });
    const t = gpu.wrap(buffer, { shape: [5], dtype: 'f32', label: 'five' });
    expect(bindTensor(t).range.size).toBe(20);
    expect(() => bindTensor(t, 16)).toThrow(
      'bindTensor: loads of 16 bytes reach beyond the buffer of "five" [5] (20 bytes).',
    );
  });

  it('binds an empty tensor to something harmless', () => {
    expect(bindTensor(gpu.empty([0, 4])).range.size).toBe(16);
    const buffer = gpu.device.createBuffer({ size: 0, usage: 0x80 });
    expect(bindTensor(gpu.wrap(buffer, { shape: [0], dtype: 'f32' })).range.size).toBeGreaterThan(
      0,
    );
  });

  it('refuses a window larger than a binding', async () => {
    const minimal = await injectedGpu();
    const most = minimal.device.limits.maxStorageBufferBindingSize / 4;
    using t = minimal.empty([most + 1], { label: 'big' });
    expect(() => bindTensor(t)).toThrow(LimitError);
    expect(() => bindTensor(t)).toThrow(`tensor "big" [${most + 1}] f32 spans`);
    expect(bindTensor(t.slice(0, 1, most + 1).slice(0, 63, most)).range.size).toBeLessThanOrEqual(
      most * 4,
    );
    expect(bindTensor(t.slice(0, 0, most)).range.size).toBe(most * 4);
  });

  it('refuses a disposed tensor', () => {
    const t = gpu.empty([1]);
    t.dispose();
    expect(() => bindTensor(t)).toThrow(DisposedError);
  });
});

describe('checkTensor', () => {
  it('returns a tensor that keeps the rules', () => {
    const t = gpu.empty([1, 2]);
    expect(checkTensor('f', 'x', t)).toBe(t);
    expect(checkTensor('f', 'x', t, { rank: 2, dtype: ['f32'], gpu })).toBe(t);
    expect(checkTensor('f', 'x', t, { rank: [2, 3] })).toBe(t);
  });

  it.each([
    [undefined, 'f: x must be a Tensor; got undefined.'],
    [null, 'got null'],
    [[1, 2], 'got [1, 2]'],
    [Object.create(null), 'got an object'],
  ])('refuses %j', (t, message) => {
    expect(() => checkTensor('f', 'x', t)).toThrow(message);
  });

  it('names the function, the argument, the rule, the values and the fix', async () => {
    const t = gpu.empty([1, 2], { label: 'mine' });
    expect(() => checkTensor('attention', 'q', t, { rank: 4 })).toThrow(
      'attention: q must have rank 4; got shape [1,2]. Use reshape() or slice().',
    );
    expect(() => checkTensor('attention', 'q', t, { rank: [3, 4] })).toThrow('rank 3 or 4');
    expect(() => checkTensor('attention', 'q', t, { dtype: ['i32', 'u32'] })).toThrow(
      "attention: q must be i32 or u32; got f32. Make it with dtype: 'i32'.",
    );
    const other = await injectedGpu();
    expect(() => checkTensor('attention', 'q', t, { gpu: other })).toThrow(ValidationError);
    expect(() => checkTensor('attention', 'q', t, { gpu: other })).toThrow(
      'attention: q ("mine") belongs to another device.',
    );
    t.dispose();
    expect(() => checkTensor('attention', 'q', t)).toThrow(
      'attention: q "mine" [1,2] or the owner of its memory was disposed.',
    );
  });
});

describe('adopt', () => {
  it('keeps the memory until the last owner is disposed', async () => {
    const both = gpu.tensor([1, 2, 3, 4], { shape: [2, 2] });
    const a = adopt(both.slice(0, 0, 1));
    const b = adopt(adopt(both.slice(0, 1, 2)));
    const { buffer } = both;
    both.dispose();
    expect(await a.read()).toEqual(new Float32Array([1, 2]));
    a.dispose();
    expect(await b.read()).toEqual(new Float32Array([3, 4]));
    b.dispose();
    expect(() => b.buffer).toThrow(DisposedError);
    expect(Array.from({ length: 50 }, () => gpu.empty([4]).buffer)).toContain(buffer);
  });
});

function applyToTensor(t: Tensor, op: ViewOp): Tensor {
  if (op.kind === 'permute') return t.permute(op.axes);
  return op.kind === 'slice' ? t.slice(op.axis, op.start, op.end) : t.reshape(op.shape);
}

it.each(['f32', 'f16'] as const)(
  'read of a random chain of %s views is what the same chain of copies holds',
  { tags: ['device'] },
  async (dtype) => {
    await fc.assert(
      fc.asyncProperty(viewChain, async ({ shape, ops }) => {
        const count = shape.reduce((n, d) => n * d, 1);
        const values = Array.from({ length: count }, (_, i) => i);
        using owner = gpu.tensor(values, { shape, dtype });
        const { view, model } = followChain(owner, { shape, values }, ops, applyToTensor);
        expect(view.shape).toEqual(model.shape);
        expect([...(await view.read())]).toEqual(model.values);
      }),
      { numRuns: 60 },
    );
  },
);
