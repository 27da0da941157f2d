import type { CaseReport } from '@heed/conformance';
import { element } from '../frame/element.ts';
import { pageGpu } from '../frame/gpu.ts';
import { startRun } from './run.ts';

/** Says whether this browser's WGSL compiler has the fault that heed guards against; found when the room is entered. */
export function canaryCard(): HTMLElement {
  const verdict = element('strong', {}, 'Looking …');
  const detail = element('p', { class: 'fine' });
  const look = async (): Promise<void> => {
    if (!(await pageGpu())) {
      verdict.textContent = 'It needs WebGPU, which is not here.';
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
      'WGSL sets a variable that is declared in a loop to zero at each turn. Some browsers’ compilers do it once only, and kernels that rely on it give wrong numbers without an error.',
    ),
    element('p', { role: 'status' }, verdict),
    detail,
  );
}

function verdictText({ status, report = '' }: CaseReport): string {
  if (status === 'fail') return 'Even the guarded form fails here. Please report it.';
  if (report.includes('does not show')) return 'This browser compiles it right.';
  return 'This browser has the fault. heed’s kernels are written so that it does not matter.';
}
