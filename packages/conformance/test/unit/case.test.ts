import type { Gpu } from '@heed/core';
import { runCase } from '../../src/run/run-conformance.ts';
import { describe, expect, it, vi } from 'vitest';
import { defineCase, toResult } from '../../src/cases/shared/case.ts';

// No memory is handed out here.
vi.mock('@heed/core/kernel', async (original) => ({
  ...(await original<object>()),
  poisonMemory: () => () => {},
}));

const gpu = { capabilities: {}, settled: () => Promise.resolve() } as Gpu;

describe('toResult', () => {
  it('keeps the check that used most of its budget, and every failure', () => {
    const result = toResult([
      { label: 'a', ok: true, error: 1, budget: 10 },
      { label: 'b', ok: false, error: 30, budget: 10, report: 'b is off' },
      { label: 'c', ok: false, report: 'c is off' },
    ]);
    expect(result).toEqual({ status: 'fail', error: 30, budget: 10, report: 'b is off\nc is off' });
  });

  it('does not take a case without checks for a pass', () => {
    expect(() => toResult([])).toThrow('must check something');
  });
});

describe('runCase', () => {
  const [only] = defineCase('group', 'name', {
    dtypes: ['f32'],
    run: () => Promise.reject(new Error('broken')),
  });
  const [lacking] = defineCase('group', 'lacks', {
    dtypes: ['f16'],
    lacks: () => 'needs wings',
    run: () => Promise.reject(new Error('ran')),
  });
  const [noted] = defineCase('group', 'noted', {
    dtypes: ['f32'],
    run: () => Promise.resolve({ checks: [{ label: 'x', ok: true }], note: 'seen' }),
  });

  it('turns an exception into a failure', async () => {
    expect(await runCase(gpu, only!)).toMatchObject({
      id: 'group/name/f32',
      status: 'fail',
      report: expect.stringContaining('broken'),
    });
  });

  it('does not run what the device lacks', async () => {
    expect(await runCase(gpu, lacking!)).toMatchObject({
      status: 'unsupported',
      report: 'needs wings',
    });
  });

  it('records a note of a case that passes', async () => {
    expect(await runCase(gpu, noted!)).toMatchObject({ status: 'pass', report: 'seen' });
  });

  it('passes an abort on', async () => {
    await expect(runCase(gpu, only!, AbortSignal.abort(new Error('enough')))).rejects.toThrow(
      'enough',
    );
  });
});
