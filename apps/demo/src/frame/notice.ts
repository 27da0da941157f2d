import { adapterName } from './adapter-name.ts';
import { element } from './element.ts';
import { watchGpu } from './gpu.ts';

const help = [
  ['Chrome and Edge 113 or later', 'on Windows, macOS, ChromeOS and Android 12: nothing to do'],
  [
    'Chrome on Linux',
    'where it is not on by default: start it with --enable-unsafe-webgpu --enable-features=Vulkan, or turn on chrome://flags/#enable-unsafe-webgpu',
  ],
  ['Safari 26 or later', 'on macOS, iOS and iPadOS: nothing to do'],
  ['Firefox 141 or later', 'on Windows; elsewhere set dom.webgpu.enabled in about:config'],
] as const;

/** What the visitor should know of the GPU: nothing while there is one. */
export function gpuNotice(): HTMLElement {
  const notice = element('div', { role: 'status' });
  watchGpu((state) => {
    if (state.kind === 'missing') notice.replaceChildren(missing(state.reason));
    else if (state.kind === 'lost') notice.replaceChildren(lost(state.reason));
    else notice.replaceChildren();
  });
  return notice;
}

/** The adapter in one line, for the foot of the page. */
export function gpuLine(): HTMLElement {
  const line = element('span', { id: 'adapter' });
  watchGpu((state) => {
    line.textContent =
      state.kind === 'open'
        ? `Running on ${adapterName(state.gpu.capabilities)}`
        : { opening: 'Looking for a GPU', missing: 'No WebGPU', lost: 'The GPU went away' }[
            state.kind
          ];
  });
  return line;
}

function missing(reason: string): HTMLElement {
  return element(
    'div',
    { class: 'notice' },
    element('strong', {}, 'No WebGPU here yet.'),
    element(
      'p',
      {},
      'You can still write functions and look at their scores and their WGSL, which need no GPU. For the rest, WebGPU is in these browsers, over https or on localhost:',
    ),
    element(
      'ul',
      {},
      ...help.map(([browser, what]) => element('li', {}, element('b', {}, browser), ` ${what}.`)),
    ),
    element('p', { class: 'fine' }, `What was found: ${reason}`),
  );
}

function lost(reason: string): HTMLElement {
  return element(
    'div',
    { class: 'notice' },
    element('strong', {}, 'The GPU device was lost.'),
    element('p', {}, 'Nothing you wrote is gone; the next run opens a new one.'),
    element('p', { class: 'fine' }, reason),
  );
}
