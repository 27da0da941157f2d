import { expect, test } from 'vitest';
import { runBox } from '../../src/gpu-box/box.ts';
import { renderMarkdown } from '../../src/gpu-box/markdown.ts';

test('the whole run at its smallest, without PyTorch', { tags: ['full'] }, async () => {
  const options = {
    size: 'smallest',
    cases: undefined,
    conformance: true,
    peer: 'none',
    python: 'python3',
  } as const;
  const context = { signal: new AbortController().signal, progress: () => {} };
  const report = await runBox(options, context);
  expect(report.cases.length).toBeGreaterThan(4);
  for (const { heed } of report.cases) expect(heed).toMatchObject({ right: true });
  expect(report.conformance).toMatchObject([{ counts: { fail: 0 } }]);
  expect(report.conformance[0]!.counts.pass).toBeGreaterThan(0);
  expect(renderMarkdown(report)).toContain('not measured (left out by --peer none)');
});
