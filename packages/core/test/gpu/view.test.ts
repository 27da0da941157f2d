import type { Tensor } from '@heed/core';
import { testGpu } from '@heed/testing';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { followChain, viewChain, type ViewOp } from '../view-model.ts';

function applyToTensor(t: Tensor, op: ViewOp): Tensor {
  if (op.kind === 'permute') return t.permute(op.axes);
  return op.kind === 'slice' ? t.slice(op.axis, op.start, op.end) : t.reshape(op.shape);
}

it.each(['f32', 'f16'] as const)(
  'read of a random chain of %s views is what the same chain of copies holds',
  { tags: ['device'] },
  async (dtype) => {
    const gpu = await testGpu();
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
