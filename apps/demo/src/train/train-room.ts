import { element } from '../page/element.ts';
import type { Room } from '../page/frame.ts';
import { watchGpu } from '../page/page-gpu.ts';
import { modelFromFile, modelToFile } from '../transformer/language-model.ts';
import { parameterCount, type PresetName, presets } from '../transformer/model-config.ts';
import { Run, type RunInput, type RunState, type RunView } from './model/training-run.ts';
import { createChart, Curves } from './view/loss-chart.ts';
import { createControls, createFacts } from './view/train-controls.ts';
import { createPacking, createSamples, createTextPanel } from './view/train-panels.ts';

export const trainRoom: Room = { id: 'train', title: 'Train', enter };

function enter(section: HTMLElement): (payload: string) => void {
  const controls = createControls();
  const text = createTextPanel(async () => (await import('../text/docs-text.ts')).docsText());
  const [chart, facts, samples, packing] = [
    createChart(),
    createFacts(),
    createSamples(),
    createPacking(),
  ];
  const progress = element('progress', { max: 1, value: 0, 'aria-label': 'Steps done' });
  const status = element('p', { role: 'status', id: 'train-status' });
  let curves: Curves | undefined;
  let prompts: readonly string[] = [];
  let isMissing = false;
  let hasModel = false;
  let redraw = 0;
  const waited = createWaited();

  const say = (message: string, isError = false): void => {
    status.textContent = message;
    status.classList.toggle('error', isError);
  };
  // Draw once per frame, since steps may be faster.
  const draw = (): void => {
    redraw ||= requestAnimationFrame(() => {
      redraw = 0;
      chart.draw(curves);
    });
  };
  const showState = (state: RunState): void => {
    hasModel ||= state !== 'empty' && state !== 'opening';
    const hadFocus = document.activeElement === controls.go;
    controls.show(state, isMissing, hasModel);
    // A disabled button loses the focus, and with it the keyboard's position.
    if (hadFocus && controls.go.disabled && state === 'done') controls.reset.focus();
    packing.button.disabled = isMissing || state === 'opening' || state === 'comparing';
    text.lock(state !== 'empty');
    if (state === 'opening') waited.begin();
    else if (state !== 'running') waited.end();
    const said = stateText(state, curves);
    if (said !== undefined) say(said);
  };
  const view: RunView = {
    state: showState,
    failed: (reason) => say(reason, true),
    begun: (prepared, { schedule }) => {
      ({ prompts } = prepared);
      curves = new Curves(schedule.steps, prepared.bigram);
      facts.begin(prepared.bigram, schedule.steps);
      samples.clear();
      progress.value = 0;
      draw();
    },
    event: (event, memory) => {
      facts.show(event, memory);
      if (event.kind === 'ahead') {
        // Later, the chart shows the progress.
        if (waited.isOn()) say(event.what);
      } else if (event.kind === 'step') {
        if (waited.isOn()) say('Training.');
        waited.end();
        curves!.addTrain(event);
        progress.value = event.step / curves!.steps;
      } else if (event.kind === 'evaluation') curves!.addHeldOut(event);
      else samples.add(event.step, event.texts, prompts);
      draw();
    },
    compared: packing.show,
  };
  const run = new Run(view);
  const is = (state: RunState): boolean => run.state === state;
  const input = (): RunInput => ({
    text: text.text(),
    config: presets[controls.size.value as PresetName],
  });

  const load = async (file: File): Promise<void> => {
    try {
      const model = modelFromFile(new Uint8Array(await file.arrayBuffer()));
      run.adopt(model, `loaded from ${file.name}`);
      hasModel = true;
      showState(run.state);
      say(
        `${file.name}: ${parameterCount(model.config).toLocaleString('en')} weights. Start trains it further.`,
      );
    } catch (error) {
      say(error instanceof Error ? error.message : String(error), true);
    }
  };
  /** Pauses a running run for a task and resumes it afterwards. */
  const between = async (task: () => Promise<void>): Promise<void> => {
    const wasRunning = is('running');
    if (wasRunning) await run.pause();
    await task();
    // The visitor may have pressed Resume meanwhile.
    if (wasRunning && is('paused')) await run.start(input());
  };
  const save = async (): Promise<void> => {
    const model = await run.model();
    if (model) download('heed-model.safetensors', modelToFile(model, 'F32'));
  };

  controls.go.addEventListener('click', () => {
    void (is('running') ? run.pause() : run.start(input()));
  });
  controls.reset.addEventListener('click', () => {
    void run.reset().then(() => {
      hasModel = false;
      curves = undefined;
      controls.load.value = '';
      showState('empty');
      draw();
    });
  });
  controls.save.addEventListener('click', () => void between(save));
  controls.load.addEventListener('change', () => {
    const [file] = controls.load.files ?? [];
    if (file) void load(file);
  });
  packing.button.addEventListener('click', () => void between(() => run.compare(input())));
  watchGpu((state) => {
    isMissing = state.kind === 'missing';
    // A CPU adapter starts with the smallest size.
    const isSlow = state.kind === 'open' && state.gpu.capabilities.adapter.isFallbackAdapter;
    if (isSlow && is('empty')) controls.size.value = 'tiny';
    showState(run.state);
    if (isMissing) say('Training needs WebGPU, which this browser does not offer here.');
  });

  section.append(
    element('h1', { id: 'train-title', tabindex: -1 }, 'Train'),
    element(
      'p',
      { class: 'lead' },
      'A small transformer learns a text, byte by byte, in this page. Its attention, forward and backward, is heed’s; everything else is TensorFlow.js, on the same GPUDevice.',
    ),
    controls.element,
    progress,
    element('div', { class: 'row controls' }, status, waited.element),
    element(
      'div',
      { class: 'training' },
      element('div', {}, chart.element, facts.element, packing.element),
      element('div', {}, samples.element, text.element),
    ),
  );
  draw();
  return () => {};
}

/** Returns the message for a state; undefined keeps the message before. */
function stateText(state: RunState, curves: Curves | undefined): string | undefined {
  const step = curves?.train.at(-1)?.step ?? 0;
  switch (state) {
    case 'opening':
      return 'Compiling shaders; the first step takes a moment.';
    case 'running':
      return `Training from step ${step}.`;
    case 'comparing':
      return 'Measuring packing against padding.';
    case 'done': {
      const last = curves?.heldOut.at(-1)?.bits ?? Infinity;
      const bigram = curves?.bigram ?? 0;
      const verdict = last < bigram ? 'beats' : 'does not beat';
      return `Done: ${last.toFixed(2)} bits per byte of held-out text, which ${verdict} the bigram baseline of ${bigram.toFixed(2)}. The Serve room can use it.`;
    }
    default:
      return undefined;
  }
}

/** A counter of the seconds of a wait. Screen readers skip it, since the status line is announced. */
interface Waited {
  readonly element: HTMLElement;
  readonly begin: () => void;
  readonly end: () => void;
  readonly isOn: () => boolean;
}

function createWaited(): Waited {
  const shown = element('span', { class: 'fine', id: 'train-waited', 'aria-hidden': 'true' });
  let timer: ReturnType<typeof setInterval> | undefined;
  const end = (): void => {
    clearInterval(timer);
    timer = undefined;
    shown.textContent = '';
  };
  return {
    element: shown,
    begin: () => {
      end();
      const start = performance.now();
      timer = setInterval(() => {
        shown.textContent = `${Math.round((performance.now() - start) / 1000)} s`;
      }, 1000);
    },
    end,
    isOn: () => timer !== undefined,
  };
}

/** Downloads a file in the browser. */
function download(name: string, bytes: Uint8Array<ArrayBuffer>): void {
  const href = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  element('a', { href, download: name }).click();
  // By then the download has begun, and no longer needs the URL.
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
