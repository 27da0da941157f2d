import { type CaseReport, selectCases, type Selection } from '@heed/conformance';
import { element, labelled, select } from '../page/element.ts';
import type { Room } from '../page/frame.ts';
import { pageGpu, watchGpu } from '../page/page-gpu.ts';
import { endingText, reportText } from './bug-report.ts';
import { type Run, selections, startRun } from './conformance-run.ts';
import { columns, type PromiseRow, promiseRow } from './promise-row.ts';
import { promisesOf } from './promises.ts';

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
      ? 'The cases need WebGPU, which this browser does not offer here.'
      : cases.length === 0
        ? 'No case has this text in its name.'
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
    // A disabled button loses the focus, and with it the keyboard's position.
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
      `What heed promises, held against a float64 reference on your own adapter and browser: ${selectCases({ tier: 'full' }).length} cases in all.`,
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
    // The list may hold results, so it is rebuilt only if the state has changed.
    if ((kind === 'missing') === isMissing) return;
    isMissing = !isMissing;
    list();
  });
  return () => {};
}

const groupOf = ({ id }: CaseReport): string => id.split('/', 1)[0]!;

/** Creates the card that says whether this browser's WGSL compiler has the fault that heed guards against. */
function canaryCard(): HTMLElement {
  const verdict = element('strong', {}, 'Checking …');
  const detail = element('p', { class: 'fine' });
  const look = async (): Promise<void> => {
    if (!(await pageGpu())) {
      verdict.textContent = 'It needs WebGPU, which this browser does not offer here.';
      return;
    }
    const { ended } = startRun({ filter: 'canary/' }, (report) => {
      verdict.textContent = verdictText(report);
      detail.textContent = report.report ?? '';
    });
    const ending = await ended;
    if (ending.kind === 'failed') verdict.textContent = `It could not run: ${ending.reason}`;
  };
  void look();
  return element(
    'aside',
    { class: 'canary', 'aria-label': 'Canary' },
    element('h2', {}, 'The canary'),
    element(
      'p',
      {},
      'In WGSL, a variable that is declared in a loop is zero again in each iteration. The compilers of some browsers zero it only once, and kernels that rely on the rule give wrong numbers without an error.',
    ),
    element('p', { role: 'status' }, verdict),
    detail,
  );
}

function verdictText({ status, report = '' }: CaseReport): string {
  if (status === 'fail') return 'Even the guarded form fails here. Please report it.';
  if (report.includes('does not show')) return 'This browser compiles it correctly.';
  return 'This browser has the fault. heed’s kernels are written so that it does not affect them.';
}

/** Copies the text, or selects it if the page may not use the clipboard; `status` says which. */
async function copyText(text: HTMLTextAreaElement, status: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(text.value);
    status.textContent = 'The report is in the clipboard.';
  } catch {
    text.select();
    status.textContent = 'The report is selected: copy it from the box.';
  }
}
