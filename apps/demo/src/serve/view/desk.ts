import { CapacityError, DeviceLostError } from '@heed/core';
import { element } from '../../page/element.ts';
import { pageGpu, watchGpu } from '../../page/page-gpu.ts';
import { listen } from '../../transformer/language-model.ts';
import { PageBook } from '../engine/page-book.ts';
import { forgetAll, saveAll } from '../session/serve-session.ts';
import { defaultAsked, defaultSettings, PAGE_SIZE, remembered } from '../session/serve-settings.ts';
import { fetchShipped, Models, modelText } from '../session/served-model.ts';
import { type AloneProgress, Serving, type Shown } from '../session/serving.ts';
import { createPageGrid } from './page-grid.ts';
import { createPromptList, type Verdict } from './prompt-list.ts';
import { createButtons, createSettingsForm } from './serve-controls.ts';
import { createNumbers } from './serve-numbers.ts';

/** Creates the part of the room that needs the model. */
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
    // While a step runs, `attempt` restarts after it.
    if (!buttons.isBusy()) restart();
  };
  // A model that the visitor has trained is chosen first.
  const source = models.find('trained') ? 'trained' : 'shipped';
  const form = createSettingsForm(kept?.settings ?? { ...defaultSettings, source }, changed);
  const prompts = createPromptList(kept?.asked ?? defaultAsked, changed);
  const grid = createPageGrid();
  const numbers = createNumbers();

  const draw = (): void => {
    // Before the first run, show an empty cache.
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

  /** Steps until all answers are complete, or `isEnough` returns true. */
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

/**
 * Serves each prompt alone and compares the tokens. Rejects with the signal's reason on abort.
 * @param judge receives all verdicts so far, after each prompt
 * @param tell receives the progress as a sentence
 * @returns the outcome as a sentence
 */
async function checkAlone(
  serving: Serving,
  judge: (verdicts: ReadonlyMap<string, Verdict>) => void,
  tell: (progress: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const verdicts = new Map<string, Verdict>();
  const onProgress = ({ index, count, done, total }: AloneProgress): void =>
    tell(
      `Serving prompt ${index + 1} of ${count} alone, in a cache of its own: token ${done} of ${total}.`,
    );
  for await (const { id, tokens, differsAt } of serving.compare(signal, onProgress)) {
    const same = differsAt === undefined;
    const text = same ? `same alone: ${tokens} tokens` : `differs alone from token ${differsAt} on`;
    verdicts.set(id, { same, text });
    judge(verdicts);
  }
  const wrong = [...verdicts.values()].filter(({ same }) => !same).length;
  return wrong === 0
    ? `Checked: all ${verdicts.size} prompts have the same answers alone, token for token.`
    : `Checked: ${wrong} of ${verdicts.size} prompts have other answers alone. Please report it.`;
}

/** Returns a sentence that says how far a run has come. */
function endingText(shown: Shown, isUnderWay: boolean): string {
  const { generated, steps, hits, lookedUp } = shown.counted.tally;
  const found =
    lookedUp === 0
      ? ''
      : `, ${Math.round((100 * hits) / lookedUp)} % of the tokens looked up were in the cache`;
  const count = shown.answers.length;
  const sum = `${count} ${count === 1 ? 'answer' : 'answers'}, ${generated} tokens in ${steps} steps${found}`;
  return isUnderWay ? `Paused: ${sum}.` : `Done: ${sum}.`;
}

const texts = {
  missing: 'Serving needs WebGPU, which this browser does not offer here.',
  lost: 'The GPU was lost with all pages. The next run opens a new one, and finds saved pages again.',
  notRun: 'There are no answers yet: run first.',
  changed: 'Changed: the next run submits the prompts again.',
  modelGone:
    'The model whose pages were saved is no longer available, and no other model finds them.',
  stopped: 'Stopped.',
} as const;

/** Returns the message that the visitor sees for an error. */
function troubleText(error: unknown): string {
  if (error instanceof DeviceLostError) return texts.lost;
  if (error instanceof CapacityError) {
    return 'One answer alone needs more pages than there are. Choose more pages, a shorter prompt or a shorter answer.';
  }
  return error instanceof Error ? error.message : String(error);
}
