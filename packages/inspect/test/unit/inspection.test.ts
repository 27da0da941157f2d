import { expect, test } from 'vitest';
import type { AmdFigures } from '../../src/amd/amd-figures.ts';
import { renderInspection } from '../../src/report/inspection.ts';

const row = (
  name: string,
  label: string,
  figures: Partial<AmdFigures>,
): { name: string; label: string; figures: AmdFigures } => ({
  name,
  label,
  figures: figures as AmdFigures,
});

const render = (...kernels: ReturnType<typeof row>[]): string =>
  renderInspection({
    date: '',
    family: 'navi31',
    driver: 'radv 1',
    kernels,
    refused: [{ name: 'wide', reason: 'too wide' }],
  });

test('a run is a table with a row per kernel, and a line per refused case', () => {
  const text = render(
    row('forward', 'a', { vgprs: 168, waits: 48, multiplyAddsPerVector: 0.6409 }),
  );
  expect(text).toMatch(/^navi31, radv 1\n/);
  expect(text).toMatch(/\| forward +\|.* 168 \|.* 48 \|.* 0\.64 \|/);
  expect(text).toContain('wide: refused: too wide');
});

test('a kernel of several cases has the row of the first; kernels without a label are all shown', () => {
  const text = render(
    row('one', 'a', {}),
    row('two', 'a', {}),
    row('three', '', {}),
    row('four', '', {}),
  );
  expect(text.match(/^\| (one|two|three|four)/gm)).toEqual(['| one', '| three', '| four']);
});

test('a row says what makes its figures doubtful', () => {
  expect(render(row('a', 'a', { workFound: 1.02, unknownLoops: 0 }))).not.toMatch(/found|unknown/);
  expect(render(row('a', 'a', { workFound: 0.4, unknownLoops: 3 }))).toContain(
    '0.40 of the work found, 3 loops of unknown length',
  );
});
