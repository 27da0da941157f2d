import type { CaseReport } from '@heed/conformance';
import { element } from '../page/element.ts';
import { type Promised, tallyOf, verdictOf } from './promises.ts';

/** One promise in the table: its verdict, and its cases when it is opened. */
export interface PromiseRow {
  readonly element: HTMLTableSectionElement;
  readonly add: (report: CaseReport) => void;
}

/** The headings of the table's columns. */
export const columns = ['Promise', 'Verdict', 'Cases', 'Measured error', 'Allowed'] as const;

export function promiseRow({ group, text, cases }: Promised): PromiseRow {
  const reports: CaseReport[] = [];
  const details = element('tr', { hidden: true, id: `cases-${group}` });
  const toggle = element(
    'button',
    { type: 'button', class: 'disclose', 'aria-expanded': 'false', 'aria-controls': details.id },
    group,
  );
  const [verdict, count, error, budget] = Array.from({ length: 4 }, () => element('td', {}));
  const row = element(
    'tr',
    {},
    element('th', { scope: 'row' }, toggle, element('span', { class: 'fine' }, text)),
    verdict!,
    count!,
    error!,
    budget!,
  );
  const draw = (): void => {
    const tally = tallyOf(reports);
    verdict!.replaceChildren(badge(verdictOf(tally)));
    count!.textContent = `${reports.length} of ${cases.length}`;
    error!.textContent = tally.worst?.error.toExponential(1) ?? '–';
    budget!.textContent = tally.worst?.budget.toExponential(1) ?? '–';
    if (!details.hidden) list();
  };
  const list = (): void => {
    details.replaceChildren(
      element(
        'td',
        { colspan: columns.length },
        element('ul', { class: 'cases' }, ...reports.map(caseLine)),
      ),
    );
  };
  toggle.addEventListener('click', () => {
    details.hidden = !details.hidden;
    toggle.setAttribute('aria-expanded', String(!details.hidden));
    if (!details.hidden) list();
  });
  draw();
  return {
    element: element('tbody', { 'data-group': group }, row, details),
    add: (report) => {
      reports.push(report);
      draw();
    },
  };
}

function caseLine({ id, status, error, budget, ms, report }: CaseReport): HTMLElement {
  const measured =
    error === undefined || budget === undefined
      ? ''
      : `, error ${error.toExponential(1)} of ${budget.toExponential(1)}`;
  return element(
    'li',
    {},
    badge(status),
    element('code', {}, ` ${id}`),
    `${measured}, ${ms.toFixed(0)} ms`,
    ...(report ? [element('pre', {}, report)] : []),
  );
}

/** Creates a badge; its word, colour and sign each suffice to recognise it. */
function badge(status: '' | CaseReport['status']): HTMLElement {
  const signs = { '': '', pass: '✓ pass', fail: '✗ fail', unsupported: '– unsupported' };
  return element('span', { class: `badge ${status}` }, signs[status]);
}
