import { element } from '../frame/element.ts';
import { watchGpu } from '../frame/gpu.ts';
import type { Room } from '../frame/room.ts';
import { type PresetName, presets } from '../transformer/config.ts';
import { modelFromFile, modelToFile } from '../transformer/model-file.ts';
import { parameterCount } from '../transformer/weight-shapes.ts';
import { Curves } from './curves.ts';
import { download } from './download.ts';
import { Run, type RunInput, type RunState, type RunView } from './run.ts';
import { stateText } from './state-text.ts';
import { createChart } from './view/chart.ts';
import { createControls } from './view/controls.ts';
import { createFacts } from './view/facts.ts';
import { createPacking } from './view/packing.ts';
import { createSamples } from './view/samples.ts';
import { createTextPanel } from './view/text-panel.ts';
import { createWaited } from './view/waited.ts';

export const trainRoom: Room = { id: 'train', title: 'Train', enter };

function enter(section: HTMLElement): (payload: string) => void {
  const controls = createControls();
  const text = createTextPanel(async () => (await import('../text/docs.ts')).docsText());
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
  // Steps may be quicker than the screen.
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
    // A disabled button loses the focus, and the keyboard its place.
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
        // Later on, the chart tells.
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
  /** Does something with a run that stands still; one that ran goes on afterwards. */
  const between = async (task: () => Promise<void>): Promise<void> => {
    const wasRunning = is('running');
    if (wasRunning) await run.pause();
    await task();
    // Unless Resume was pressed meanwhile.
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
    // An adapter that computes on the CPU begins with what it can do at once.
    const isSlow = state.kind === 'open' && state.gpu.capabilities.adapter.isFallbackAdapter;
    if (isSlow && is('empty')) controls.size.value = 'tiny';
    showState(run.state);
    if (isMissing) say('Training needs WebGPU, which is not here.');
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
