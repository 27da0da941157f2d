import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { costModel } from '../../src/cost/constants.ts';
import { costTable, deliveryTable, sheetTable, short } from '../../src/report/report-tables.ts';
import { delivery, int8BytesPerToken, models } from '../../src/studies/page-delivery.ts';
import { conversationCell, userSheet } from '../../src/studies/user-sheet.ts';

const text = readFileSync(new URL('../../../../docs/scale.md', import.meta.url), 'utf8');

it.for([
  ['costs', costTable(costModel()), 'npm run sim -- --costs'],
  ['users', sheetTable(userSheet(conversationCell)), 'npm run sim -- users'],
  ['delivery', deliveryTable(2048), 'npm run sim -- delivery'],
] as const)('docs/scale.md has the %s as they are computed', ([name, table, command]) => {
  const [, after = ''] = text.split(`<!-- table: ${name} -->\n\n`);
  expect(after.split('\n\n')[0], `${command} prints the table`).toBe(table.trimEnd());
});

it('every line of the sheet has an origin, and those that follow say from what', () => {
  const lines = userSheet(conversationCell);
  for (const { source, value } of lines) {
    expect(source).not.toBe('');
    expect(Number.isFinite(value)).toBe(true);
  }
  const value = (name: string): number => lines.find((line) => line.name === name)!.value;
  expect(value('requests at the peak')).toBeCloseTo(144_676, 0);
  // Half the users take half the cells.
  expect(value('cells') * value('prompt tokens of a cell')).toBeCloseTo(
    value('requests at the peak') * value('prompt'),
    0,
  );
});

it('a byte an element and a scale a head is what int8 pages take', () => {
  const llama = models.find(({ name }) => name === 'Llama-3.2-1B')!;
  expect(int8BytesPerToken(llama)).toBe(2 * 16 * 8 * 68);
  const { bytes, work, breakEven } = delivery(llama, 2048);
  // On the line at which both take as long, they do.
  expect((8 * bytes) / breakEven(2e12)).toBeCloseTo(work / 2e12, 9);
});

it.for([
  [0, '0'],
  [0.327, '0.327'],
  [1155, '1155'],
  [144_676, '145 k'],
  [1e9, '1 G'],
  [4.6e-9, '4.6e-9'],
] as const)('%d is written %s', ([value, written]) => {
  expect(short(value)).toBe(written);
});
