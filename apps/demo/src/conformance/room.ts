import { allCases, type CaseReport, selectCases, type Selection } from '@heed/conformance';
import { element, labelled, select } from '../frame/element.ts';
import { pageGpu, watchGpu } from '../frame/gpu.ts';
import type { Room } from '../frame/room.ts';
import { canaryCard } from './canary.ts';
import { copyText } from './copy-text.ts';
import { endingText } from './ending.ts';
import { columns, type PromiseRow, promiseRow } from './promise-row.ts';
import { promisesOf } from './promises.ts';
import { reportText } from './report.ts';
import { type Run, startRun } from './run.ts';
import { selections } from './selections.ts';

export const conformanceRoom: Room = { id: 'conformance', title: 'Conformance', enter };

function enter(section: HTMLElement): (payload: string) => void {
  const counted = Object.entries(selections).map(
    ([key, { text, selection }]) =>
      [key, `${text} (${selectCases(selection).length} cases)`] as const,
  );
  const which = select(counted, 'browser');
  const filter = element('input', {
    type: 'text',
    placeholder: 'e.g. seqused',
    spellcheck: 'false',
  });
  const start = element('button', { type: 'button', class: 'primary' }, 'Run');
  const stop = element('button', { type: 'button', disabled: true }, 'Stop');
  const progress = element('progress', { max: 1, value: 0, 'aria-label': 'Cases done' });
  const status = element('p', { role: 'status', id: 'conformance-status' });
  const table = element('table', { class: 'promises' });
  const copy = element('button', { type: 'button', disabled: true }, 'Copy the report');
  const text = element('textarea', {
    readonly: true,
    rows: 8,
    'aria-label': 'Report',
    hidden: true,
  });
  const rows = new Map<string, PromiseRow>();
  let running: Run | undefined;
  let isMissing = false;

  const chosen = (): Selection => ({
    ...selections[which.value]!.selection,
    ...(filter.value.trim() !== '' && { filter: filter.value.trim().split(/[\s,]+/) }),
  });
  const list = (): number => {
    const cases = selectCases(chosen());
    rows.clear();
    const promises = promisesOf(cases).map((promised) => {
      const row = promiseRow(promised);
      rows.set(promised.group, row);
      return row.element;
    });
    const head = element('tr', {}, ...columns.map((name) => element('th', { scope: 'col' }, name)));
    const caption = `${rows.size} promises, ${cases.length} cases`;
    table.replaceChildren(element('caption', {}, caption), element('thead', {}, head), ...promises);
    start.disabled = isMissing || cases.length === 0;
    status.textContent = isMissing
      ? 'The cases need WebGPU, which is not here.'
      : cases.length === 0
        ? 'No case has such a name.'
        : '';
    return cases.length;
  };
  const run = async (): Promise<void> => {
    const total = list();
    if (total === 0) return;
    const reports: CaseReport[] = [];
    start.disabled = copy.disabled = which.disabled = filter.disabled = true;
    stop.disabled = false;
    progress.value = 0;
    text.hidden = true;
    status.textContent = `Running ${total} cases.`;
    running = startRun(chosen(), (report) => {
      reports.push(report);
      rows.get(groupOf(report))?.add(report);
      progress.value = reports.length / total;
    });
    const ending = await running.ended;
    const verdict = endingText(ending, reports, total);
    text.value = reportText({
      browser: navigator.userAgent,
      selection: `${which.selectedOptions[0]!.text}${filter.value ? `, filter ${filter.value}` : ''}`,
      capabilities: ending.kind === 'done' ? ending.capabilities : (await pageGpu())?.capabilities,
      ending: verdict,
      reports,
    });
    status.textContent = verdict;
    const hadFocus = document.activeElement === stop;
    start.disabled = copy.disabled = which.disabled = filter.disabled = false;
    stop.disabled = true;
    running = undefined;
    // A disabled button loses the focus, and the keyboard its place.
    if (hadFocus) start.focus();
    text.hidden = false;
  };

  which.addEventListener('change', list);
  filter.addEventListener('input', list);
  start.addEventListener('click', () => void run());
  stop.addEventListener('click', () => running?.stop());
  copy.addEventListener('click', () => void copyText(text, status));
  section.append(
    element('h1', { id: 'conformance-title', tabindex: -1 }, 'Conformance'),
    element(
      'p',
      { class: 'lead' },
      `What heed promises, held against a float64 reference on your own adapter and browser: ${allCases.length} cases in all.`,
    ),
    canaryCard(),
    element(
      'div',
      { class: 'row controls' },
      labelled('Cases', which),
      labelled('Name contains', filter),
      start,
      stop,
      copy,
    ),
    progress,
    status,
    element(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Promises' },
      table,
    ),
    text,
  );
  list();
  watchGpu(({ kind }) => {
    // The list is made anew only where that matters: it may hold results.
    if ((kind === 'missing') === isMissing) return;
    isMissing = !isMissing;
    list();
  });
  return () => {};
}

const groupOf = ({ id }: CaseReport): string => id.split('/', 1)[0]!;
