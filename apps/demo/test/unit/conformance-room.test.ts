import { type CaseReport, selectCases } from '@heed/conformance';
import { expect, test } from 'vitest';
import { reportText } from '../../src/conformance/bug-report.ts';
import { promisesOf, tallyOf, verdictOf } from '../../src/conformance/promises.ts';

const allCases = selectCases({ tier: 'full' });

const report = (status: CaseReport['status'], more: Partial<CaseReport> = {}): CaseReport => ({
  id: `some/case-${status}/f32`,
  ms: 1,
  status,
  ...more,
});

test('every case belongs to one promise, and every promise says what must hold', () => {
  const promises = promisesOf(allCases);
  expect(promises.flatMap(({ cases }) => cases)).toHaveLength(allCases.length);
  // A group that fails here lacks a row in the table of packages/conformance/README.md.
  expect(promises.filter(({ group, text }) => text === group).map(({ group }) => group)).toEqual(
    [],
  );
});

test('a promise is broken by one failure, and unsupported only if nothing ran', () => {
  const verdict = (...statuses: CaseReport['status'][]): string =>
    verdictOf(tallyOf(statuses.map((status) => report(status))));
  expect(verdict()).toBe('');
  expect(verdict('unsupported')).toBe('unsupported');
  expect(verdict('pass', 'unsupported')).toBe('pass');
  expect(verdict('pass', 'fail')).toBe('fail');
});

test('the error shown is the one that used most of its budget', () => {
  const tally = tallyOf([
    report('pass', { error: 5, budget: 100 }),
    report('pass', { error: 1, budget: 2 }),
    report('pass'),
  ]);
  expect(tally.worst).toEqual({ error: 1, budget: 2 });
});

test('a report names browser, counts and canary, and has the tables of what failed', () => {
  const text = reportText({
    browser: 'Browser 1',
    selection: 'A sample',
    capabilities: undefined,
    ending: 'Done: 3 of 3 cases, 1 failed.',
    reports: [
      report('pass', { id: 'canary/variable-in-a-loop/f32', report: 'shows the fault' }),
      report('fail', { report: 'index got want' }),
      report('unsupported'),
    ],
  });
  expect(text).toContain(
    '- browser: Browser 1\n- cases: A sample. Done: 3 of 3 cases, 1 failed. 1 pass, 1 fail, 1 unsupported',
  );
  expect(text).toContain('- canary: shows the fault');
  expect(text).toContain('### some/case-fail/f32\n\n```\nindex got want\n```');
  expect(text).not.toContain('case-unsupported');
});
