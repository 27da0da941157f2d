import { expect, test } from 'vitest';
import { renderMarkdown, shareOfCopy, shareOfMatmul } from '../../../src/gpu-box/box-report.ts';
import { withoutTorch, withTorch } from './sample-box.ts';

test('a machine with PyTorch', () => {
  const [forward, decode] = withTorch.cases;
  // 4 · 128 operations for each of 16 heads and 2 batch entries' visible pairs, in 10 ms.
  const flops = 4 * 128 * 16 * 2 * ((8192 * 8193) / 2);
  expect(shareOfMatmul(forward!, withTorch.limits)).toBeCloseTo(flops / 0.01 / 700e12, 6);
  expect(shareOfCopy(decode!, withTorch.limits)).toBeCloseTo(0.9, 3);
  expect(renderMarkdown(withTorch)).toMatchInlineSnapshot(`
    "# heed on some card

    2026-11-21, Node 24.0.0, heed 0.1.0, f16, size \`gpu\`. PyTorch 2.11.0 (CUDA 13.0) on some card.

    - conformance, default path: 9 passed, 0 failed, 1 unsupported, 3 s
    - conformance, portable path: 8 passed, **1 failed**, 1 unsupported, 3 s
      - portable: \`gqa/x\`

    - matmul limit: 700 TFLOP/s, PyTorch’s own f16 matrix product, 8192³
    - multiply-adds of f32 vectors in WGSL, outside any matrix unit: 50.0 TFLOP/s
    - copy limit, read and written: 2000 GB/s in WGSL; PyTorch’s copy: 4000 GB/s; the larger one counts

    | work | heed ms | GPU ms | TFLOP/s | GB/s | of matmul | of copy | first use | PyTorch ms | TFLOP/s | heed’s speed / PyTorch’s | promised |
    |---|---|---|---|---|---|---|---|---|---|---|---|
    | forward, causal, S8192 D128 | 10.0 | 5.00 | 55.0 | 26.8 | 7.9 % | 0.67 % | 1.50 s | 2.00 | 275 | 20 % | ≥ 15 % of PyTorch ✓ |
    | decode, B8, 65536 keys, 32/8 heads D128, 2048 MiB of K+V | 0.597 | 0.298 | 14.4 | 3.60e+3 | 2.1 % | 90 % | 1.50 s | 1.00 | 8.59 | 168 % | ≥ 80 % of copy ✓ |
    | backward, causal, S2048 D64 | 5.00 ✗ | 2.50 | 68.8 | 107 | 9.8 % | 2.7 % | 1.50 s | not measured |  | not measured |  |

    Times are wall time of one call in a row of them, GPU ms that of its dispatches by the GPU’s clock; first use is the case’s data, compilation and first run.
    Results were held against float64 first: heed’s largest error is 7.00 of its budget.
    - ✗ backward-d64: heed’s result is wrong, by 1.0e-4, 7.0 times what is allowed; its time is that of a wrong result
    - backward-d64: PyTorch not measured: RuntimeError: no kernel"
  `);
});

test('a machine without: what was not measured says so', () => {
  expect(renderMarkdown(withoutTorch)).toMatchInlineSnapshot(`
    "# heed on some card

    2026-11-21, Node 24.0.0, heed 0.1.0, f16, size \`gpu\`. PyTorch: not measured (no torch here).

    Conformance: not run.

    - matmul limit: not measured, so no shares of it
    - multiply-adds of f32 vectors in WGSL, outside any matrix unit: 50.0 TFLOP/s
    - copy limit, read and written: 2000 GB/s in WGSL; PyTorch’s copy: not measured; the larger one counts

    | work | heed ms | GPU ms | TFLOP/s | GB/s | of matmul | of copy | first use | PyTorch ms | TFLOP/s | heed’s speed / PyTorch’s | promised |
    |---|---|---|---|---|---|---|---|---|---|---|---|
    | forward, causal, S8192 D128 | 10.0 | 5.00 | 55.0 | 26.8 | not measured | 1.3 % | 1.50 s | not measured |  | not measured | ≥ 15 % of PyTorch not measured |
    | FlexAttention, relative bias, S4096 D64 | not measured |  |  |  |  |  |  | not measured |  | not measured |  |

    Times are wall time of one call in a row of them, GPU ms that of its dispatches by the GPU’s clock; first use is the case’s data, compilation and first run.
    Results were held against float64 first: heed’s largest error is 0.25 of its budget.
    - flex-relative-bias: heed not measured: too large"
  `);
});

test('as many cells in every line of the table', () => {
  for (const report of [withTorch, withoutTorch]) {
    const lines = renderMarkdown(report)
      .split('\n')
      .filter((line) => line.startsWith('|'));
    const counts = lines.map((line) => line.split('|').length);
    expect(lines).toHaveLength(report.cases.length + 2);
    expect(new Set(counts).size).toBe(1);
  }
});
