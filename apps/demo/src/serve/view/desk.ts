import { DeviceLostError } from '@heed/core';
import { element } from '../../frame/element.ts';
import { pageGpu, watchGpu } from '../../frame/gpu.ts';
import { listen } from '../../transformer/shelf.ts';
import { PageBook } from '../engine/page-book.ts';
import { fetchShipped, Models, modelText } from '../model/served-model.ts';
import { remembered } from '../remembered.ts';
import { Serving } from '../serving.ts';
import { defaultAsked, defaultSettings, PAGE_SIZE } from '../settings.ts';
import { forgetAll, saveAll } from '../store.ts';
import { createButtons } from './buttons.ts';
import { checkAlone } from './check-alone.ts';
import { endingText } from './ending.ts';
import { createNumbers } from './numbers.ts';
import { createPageGrid } from './page-grid.ts';
import { createPromptList } from './prompt-list.ts';
import { createSettingsForm } from './settings-form.ts';
import { texts, troubleText } from './trouble.ts';

/** All of the room that needs the model. */
export async function desk(): Promise<HTMLElement> {
  const status = element('p', { role: 'status', id: 'serve-status' });
  const about = element('p', { class: 'fine', id: 'serve-model' });
  const say = (...parts: string[]): void => void (status.textContent = parts.join(' ').trim());
  const shipped = await fetchShipped().catch((error: unknown) => {
    say('The shipped model cannot be read:', troubleText(error));
    return undefined;
  });
  const models = new Models(shipped);
  const kept = remembered();
  const serving = new Serving();
  let isStale = false;
  let abort = new AbortController();

  const changed = (): void => {
    about.textContent = modelText(models.find(form.settings().source)!);
    isStale = true;
    abort.abort();
    // A step that is under way is done first.
    if (!buttons.isBusy()) restart();
  };
  // What was trained here is what its owner wants to hear.
  const source = models.find('trained') ? 'trained' : 'shipped';
  const form = createSettingsForm(kept?.settings ?? { ...defaultSettings, source }, changed);
  const prompts = createPromptList(kept?.asked ?? defaultAsked, changed);
  const grid = createPageGrid();
  const numbers = createNumbers();

  const draw = (): void => {
    // Before the first run, a cache as it will be: empty.
    const book = serving.session?.book ?? new PageBook(form.settings().pages, PAGE_SIZE);
    grid.show(book.pages());
    const shown = serving.shown();
    if (!shown) return;
    prompts.show(shown.answers);
    numbers.show(shown.counted);
  };
  const restart = (): void => {
    isStale = false;
    serving.restart();
    draw();
  };

  /** Steps until all is said, or until `isEnough`. */
  const serve = async (isEnough: () => boolean): Promise<void> => {
    const gpu = await pageGpu();
    if (!gpu) return say(texts.missing);
    const settings = form.settings();
    const served = await models.serve(settings.source);
    if (!serving.isUnderWay) prompts.judge(new Map());
    const note = await serving.prepare({ gpu, served, settings, asked: prompts.asked() });
    draw();
    say('Running.', note);
    do {
      await serving.step();
      draw();
    } while (serving.isUnderWay && !isEnough());
    const shown = serving.shown();
    if (isStale) say(texts.changed);
    else if (shown) say(endingText(shown, serving.isUnderWay), note);
  };
  const check = async (): Promise<void> => {
    if (!serving.shown()) return say(texts.notRun);
    say(await checkAlone(serving, prompts.judge, say, abort.signal));
  };
  const save = async (): Promise<void> => {
    const { session } = serving;
    if (!session) return say(texts.notRun);
    say(await saveAll(session, { settings: form.settings(), asked: prompts.asked() }));
  };

  const attempt = async (work: () => Promise<void>): Promise<void> => {
    abort = new AbortController();
    try {
      await work();
    } catch (error) {
      say(abort.signal.aborted ? texts.stopped : troubleText(error));
      if (error instanceof DeviceLostError) serving.abandon();
      else if (!abort.signal.aborted) restart();
    }
    if (isStale) restart();
  };
  const buttons = createButtons({
    run: () => attempt(() => serve(() => abort.signal.aborted)),
    step: () => attempt(() => serve(() => true)),
    stop: () => abort.abort(),
    check: () => attempt(check),
    save: () => attempt(save),
    forget: () => attempt(async () => say(await forgetAll())),
  });

  const offer = (): void => {
    form.offer(models.sources());
    about.textContent = modelText(models.find(form.settings().source)!);
  };
  listen(offer);
  offer();
  draw();
  if (kept && !models.find(kept.settings.source)) say(texts.modelGone);
  watchGpu(({ kind }) => {
    buttons.setMissing(kind === 'missing');
    if (kind === 'missing') say(texts.missing);
    if (kind !== 'lost') return;
    serving.abandon();
    draw();
    say(texts.lost);
  });

  return element(
    'div',
    { class: 'desk' },
    form.element,
    about,
    prompts.element,
    buttons.element,
    status,
    element('div', { class: 'measured' }, grid.element, numbers.element),
  );
}
