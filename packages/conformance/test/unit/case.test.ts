import type { Gpu } from '@heed/core';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { defineCase, toResult } from '../../src/cases/shared/case.ts';
import {
  compareOutputs,
  hashOf,
  recordOutput,
  recordOutputs,
} from '../../src/problems/output-hashes.ts';
import { runCase } from '../../src/run/run-conformance.ts';

vi.hoisted(() => void vi.resetModules()); // test files share their modules
afterAll(() => void vi.resetModules());

// These cases allocate no memory.
vi.mock('@heed/core/kernel', async (original) => ({
  ...(await original<object>()),
  poisonMemory: () => () => {},
}));

const idleGpu = { capabilities: {}, settled: () => Promise.resolve() } as Gpu;

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
    expect(await runCase(idleGpu, only!)).toMatchObject({
      id: 'group/name/f32',
      status: 'fail',
      report: expect.stringContaining('broken'),
    });
  });

  it('does not run what the device lacks', async () => {
    expect(await runCase(idleGpu, lacking!)).toMatchObject({
      status: 'unsupported',
      report: 'needs wings',
    });
  });

  it('records a note of a case that passes', async () => {
    expect(await runCase(idleGpu, noted!)).toMatchObject({ status: 'pass', report: 'seen' });
  });

  it('passes an abort on', async () => {
    await expect(runCase(idleGpu, only!, AbortSignal.abort(new Error('enough')))).rejects.toThrow(
      'enough',
    );
  });
});

describe('hashOf', () => {
  const elements = Float32Array.from({ length: 1000 }, (_, i) => Math.fround(Math.sin(i)));

  it('differs when any one bit is flipped', () => {
    const seen = new Set([hashOf(elements)]);
    for (let bit = 0; bit < 32; bit++) {
      for (const at of [0, 1, 500, 998, 999]) {
        const flipped = elements.slice();
        new Uint32Array(flipped.buffer)[at]! ^= 1 << bit;
        seen.add(hashOf(flipped));
      }
    }
    expect(seen.size).toBe(1 + 32 * 5);
  });

  it('differs with signs of zero, kinds of NaN, order and length', () => {
    const nan = new Float32Array(new Uint32Array([0x7fc00001]).buffer);
    const arrays = [[0], [-0], [NaN], [], [0, 0], [1, 2], [2, 1]].map((x) => Float32Array.from(x));
    const hashes = [...arrays, nan].map(hashOf);
    expect(new Set(hashes).size).toBe(hashes.length);
    for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{16}$/);
  });

  it('is of the window of a buffer, and MurmurHash3', () => {
    expect(hashOf(elements.slice(10, 20))).toBe(hashOf(elements.subarray(10, 20)));
    // murmur3_x86_32('test') with seeds 0 and 0x9747b28c.
    expect(hashOf(new Uint32Array(new TextEncoder().encode('test').buffer))).toBe(
      'ba6bd213704b81dc',
    );
  });
});

describe('recordOutputs', () => {
  it('numbers outputs of one name, and records nothing once stopped', () => {
    const gpu = {} as Gpu;
    const [a, b] = [Float32Array.of(1), Float32Array.of(2)];
    recordOutput(gpu, 'out', a);
    const recording = recordOutputs(gpu);
    recordOutput(gpu, 'out', a);
    recordOutput(gpu, 'lse', a);
    recordOutput(gpu, 'out', b);
    recordOutput({} as Gpu, 'out', b);
    recording.stop();
    recordOutput(gpu, 'out', b);
    expect(recording.hashes()).toEqual({ out: hashOf(a), lse: hashOf(a), 'out#2': hashOf(b) });
  });
});

describe('compareOutputs', () => {
  it('names every output that differs or that one run lacks', () => {
    const now = [
      { id: 'a', outputs: { out: '1', lse: '2' } },
      { id: 'b', outputs: { out: '1', dq: '3' } },
      { id: 'c' },
      { id: 'new' },
    ];
    const stored = [
      { id: 'a', outputs: { out: '1', lse: '2' } },
      { id: 'b', outputs: { out: '2', dk: '3' } },
      { id: 'c', outputs: { out: '1' } },
      { id: 'gone' },
    ];
    expect(compareOutputs(now, stored)).toEqual({
      compared: 3,
      differing: [
        { id: 'b', outputs: ['out', 'dq', 'dk'] },
        { id: 'c', outputs: ['out'] },
      ],
      added: ['new'],
      missing: ['gone'],
    });
  });
});
