import { element, labelled, select } from '../page/element.ts';
import type { Room } from '../page/frame.ts';
import { watchGpu } from '../page/page-gpu.ts';
import { Latest } from '../page/tasks.ts';
import { type Findings, run } from './model/findings.ts';
import { SIZES } from './model/sample-problem.ts';
import { compileProgram, excerptOf } from './program/compiled-program.ts';
import { firstText } from './program/gallery.ts';
import { createBlockMap } from './view/block-map.ts';
import { createEditor } from './view/editor.ts';
import {
  createCodePanel,
  createFacts,
  milliseconds,
  percent,
  skippedShare,
} from './view/explore-panels.ts';
import { createGallery } from './view/gallery-list.ts';
import { createHeatMap } from './view/heat-map.ts';
import { decodeShared, shareButton } from './view/share-link.ts';

const PAUSE_MS = 200;

export const exploreRoom: Room = { id: 'explore', title: 'Explore', enter };

function enter(section: HTMLElement): (payload: string) => void {
  const latest = new Latest(PAUSE_MS);
  const message = element('pre', { id: 'editor-message', role: 'status' });
  const sizes = select(
    SIZES.map((n) => [String(n), `${n} tokens`] as const),
    '1024',
  );
  let findings: Findings | undefined;
  let received = '';
  // The text that runs when the device is lost may be the cause, so it runs again only once.
  let lostWith: string | undefined;

  const editor = createEditor(firstText, () => update());
  const heat = createHeatMap(() => findings && show(findings));
  const blocks = createBlockMap();
  const facts = createFacts();
  const code = createCodePanel();
  const gallery = createGallery(({ text }) => editor.setText(text));

  const update = (): void => {
    const text = editor.text();
    gallery.mark(text);
    // Busy until this text has run, so that screen readers announce its result, not each keystroke.
    message.setAttribute('aria-busy', 'true');
    // Neither the error nor the picture of the earlier text applies to this one.
    if (message.classList.contains('error')) say('', false, true);
    section.classList.add('stale');
    latest.call(async (signal) => {
      const compiled = compileProgram(text);
      editor.show(compiled.ok ? undefined : compiled.diagnostic);
      if (!compiled.ok) return say(excerptOf(text, compiled.diagnostic), true);
      code.show(compiled.program);
      findings = undefined;
      await run(compiled.program, Number(sizes.value), signal, show);
      say(summary(findings));
    }, failed);
  };
  const show = (next: Findings): void => {
    findings = next;
    section.classList.remove('stale');
    heat.show(next);
    facts.show(next, Number(sizes.value));
    if (next.timing || next.blocks) blocks.show(next.blocks, heat.head());
    else if (!next.onGpu) blocks.clear('The GPU finds the blocks of the mask.');
  };
  const say = (text: string, isError = false, isBusy = false): void => {
    message.classList.toggle('error', isError);
    if (!isBusy) message.removeAttribute('aria-busy');
    message.textContent = text;
  };
  const failed = (error: unknown): void =>
    say(error instanceof Error ? error.message : String(error), true);

  let isSized = false;
  sizes.addEventListener('change', () => {
    isSized = true;
    update();
  });
  watchGpu((state) => {
    // A CPU adapter starts with the smallest size.
    if (state.kind === 'open' && state.gpu.capabilities.adapter.isFallbackAdapter && !isSized)
      sizes.value = '256';
    if (state.kind !== 'lost') return;
    const text = editor.text();
    if (text === lostWith)
      say('The GPU was lost again with this text. Change it to run again.', true);
    else update();
    lostWith = text;
  });
  const share = shareButton(() => ({
    text: editor.text(),
    tokens: Number(sizes.value),
    head: heat.head(),
  }));
  section.append(
    element('h1', { id: 'explore-title', tabindex: -1 }, 'Explore'),
    element(
      'p',
      { class: 'lead' },
      'Write a scoreMod or a maskMod in plain TypeScript. heed compiles it into its attention kernel as you type and runs it on your GPU.',
    ),
    gallery.element,
    element(
      'div',
      { class: 'columns' },
      element(
        'div',
        { class: 'left' },
        editor.element,
        message,
        element('div', { class: 'row' }, labelled('Block map and time', sizes), share),
        facts.element,
      ),
      element('div', { class: 'right' }, heat.element, blocks.element, how()),
      code.element,
    ),
  );
  update();

  return (payload) => {
    if (payload === '' || payload === received) return;
    received = payload;
    decodeShared(payload).then((shared) => {
      isSized = SIZES.some((n) => n === shared.tokens);
      if (isSized) sizes.value = String(shared.tokens);
      heat.setHead(shared.head);
      editor.setText(shared.text);
      update();
    }, failed);
  };
}

function summary(findings: Findings | undefined): string {
  if (!findings?.onGpu) return 'Scores and weights by the CPU twin.';
  const { timing, blocks } = findings;
  const skipped = blocks ? `, ${percent(skippedShare(blocks))} of its blocks skipped` : '';
  return timing ? `Attention took ${milliseconds(timing.ms)}${skipped}.` : 'Done.';
}

/** Creates the explanation of how each picture is computed. */
function how(): HTMLElement {
  return element(
    'details',
    { class: 'how' },
    element('summary', {}, 'What is computed where'),
    element(
      'ul',
      {},
      ...[
        'Pairs: 64 random queries and keys, 4 query heads that share a key/value head, head dim 64. q and kv count from 0.',
        'Scores: q · k / 8, then your functions by their CPU twin, the same graph that the WGSL is printed from.',
        'Weights: the fused kernel on your GPU. Its values are the identity matrix, so its output is the softmax weights themselves.',
        '“GPU against CPU” is the largest difference between those weights and the softmax of the twin’s scores.',
        'Blocks and time: the same functions over as many tokens as you choose, the better of two runs.',
        'Your text is never run as JavaScript: heed reads the functions and compiles them. A link from a stranger is safe to open.',
      ].map((text) => element('li', {}, text)),
    ),
  );
}
