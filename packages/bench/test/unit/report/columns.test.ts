import { expect, test } from 'vitest';
import { columns } from '../../../src/report/columns.ts';

test('the first column is to the left, others to the right; the end of a short row runs on', () => {
  expect(
    columns([
      ['a', 'ms', 'x'],
      ['heed', '12.00', 'y'],
      ['gone', 'did not run at all'],
    ]),
  ).toEqual(['a        ms  x', 'heed  12.00  y', 'gone  did not run at all']);
});
