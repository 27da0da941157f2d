import { openGpu, type Tensor } from '@heed/core';
import { testGpu } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { add, injectedGpu, newAdapter } from './device-fixtures.ts';

describe('gpu.profile', { tags: ['device'] }, () => {
  it('gives the result and a span for each dispatch, in order', async () => {
    const gpu = await testGpu();
    const x = gpu.tensor([1], { shape: [1] });
    const { result, spans } = await gpu.profile(() => add(gpu, add(gpu, x, 1), 2));
    expect([...(await result.read())]).toEqual([4]);
    expect(spans.map((s) => s.label)).toEqual(['add 1', 'add 2']);
    for (const { ms, source } of spans) {
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThan(60_000);
      expect(source).toBe(gpu.capabilities.timestampQuery ? 'timestamp' : 'wall');
    }
  });

  it('measures more dispatches than one query set holds', async () => {
    const adapter = await newAdapter();
    if (!adapter.features.has('timestamp-query')) return;
    using gpu = await openGpu({ adapter });
    const x = gpu.tensor([1], { shape: [1] });
    const { result, spans } = await gpu.profile(() => {
      let y: Tensor = x;
      for (let i = 0; i < 2500; i++) y = add(gpu, y, 1);
      return y;
    });
    expect(spans).toHaveLength(2500);
    expect(spans.every((s) => s.source === 'timestamp')).toBe(true);
    expect([...(await result.read())]).toEqual([2501]);
  });

  it('measures wall time where there are no time stamps, keeping the order of later work', async () => {
    const gpu = await injectedGpu();
    const x = gpu.tensor([1], { shape: [1] });
    const out = gpu.empty([1]);
    const profiled = gpu.profile(() => {
      add(gpu, x, 1, out);
      add(gpu, x, 2, out);
    });
    add(gpu, x, 3, out);
    const { spans } = await profiled;
    expect(spans.map(({ label, source }) => [label, source])).toEqual([
      ['add 1', 'wall'],
      ['add 2', 'wall'],
    ]);
    expect(spans[0]!.ms).toBeGreaterThan(0);
    expect([...(await out.read())]).toEqual([4]);
  });

  it('measures nothing before or after it, also inside a batch', async () => {
    const gpu = await testGpu();
    const x = gpu.tensor([1], { shape: [1] });
    const profiled = gpu.batch(() => {
      add(gpu, x, 1);
      const inner = gpu.profile(() => gpu.batch(() => add(gpu, x, 2)));
      add(gpu, x, 3);
      return { inner };
    });
    const { spans } = await profiled.inner;
    expect(spans.map((s) => s.label)).toEqual(['add 2']);
    expect((await gpu.profile(() => 1)).spans).toEqual([]);
  });

  it('keeps its spans over a read inside', async () => {
    const gpu = await testGpu();
    const x = gpu.tensor([1], { shape: [1] });
    const { result, spans } = await gpu.profile(() => {
      const read = add(gpu, x, 1).read();
      add(gpu, x, 2);
      return { read };
    });
    expect(spans.map((s) => s.label)).toEqual(['add 1', 'add 2']);
    expect([...(await result.read)]).toEqual([2]);
  });

  it('rejects with what fn throws, having submitted what it dispatched', async () => {
    const gpu = await testGpu();
    const x = gpu.tensor([1], { shape: [1] });
    const out = gpu.tensor([0], { shape: [1] });
    const profiled = gpu.profile(() => {
      add(gpu, x, 1, out);
      throw new Error('mine');
    });
    await expect(profiled).rejects.toThrow('mine');
    expect([...(await out.read())]).toEqual([2]);
    expect((await gpu.profile(() => add(gpu, x, 1))).spans).toHaveLength(1);
  });

  it('refuses an async function and a profile inside a profile', async () => {
    const gpu = await testGpu();
    await expect(gpu.profile(async () => {})).rejects.toThrow(
      'gpu.profile: fn must be synchronous',
    );
    const { result } = await gpu.profile(() => ({
      inner: gpu.profile(() => 1).catch((e: unknown) => String(e)),
    }));
    expect(await result.inner).toContain('gpu.profile: profiles cannot be nested');
  });
});
