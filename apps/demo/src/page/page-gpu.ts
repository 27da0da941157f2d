import { type Capabilities, type Gpu, openGpu } from '@heed/core';
import { element } from './element.ts';

type Listener = (state: GpuState) => void;

/** Whether the page has a GPU, and the reason to show if it has none. */
type GpuState =
  | { readonly kind: 'opening' }
  | { readonly kind: 'open'; readonly gpu: Gpu }
  | { readonly kind: 'missing'; readonly reason: string }
  | { readonly kind: 'lost'; readonly reason: string };

let current: GpuState = { kind: 'opening' };
let pending: Promise<Gpu | undefined> | undefined;
const listeners = new Set<Listener>();

/** Calls `listener` now and on each change. */
export function watchGpu(listener: Listener): void {
  listeners.add(listener);
  listener(current);
}

/** Opens the page's GPU on first use, and again after a lost device. Resolves to undefined without WebGPU. */
export function pageGpu(): Promise<Gpu | undefined> {
  pending ??= open();
  return pending;
}

async function open(): Promise<Gpu | undefined> {
  try {
    if (!navigator.gpu) throw new Error('this browser does not offer WebGPU to this page');
    const gpu = await openGpu({ label: 'heed demo' });
    become({ kind: 'open', gpu });
    void gpu.lost.then(({ message }) => {
      pending = undefined;
      become({ kind: 'lost', reason: message });
    });
    return gpu;
  } catch (error) {
    become({ kind: 'missing', reason: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

function become(next: GpuState): void {
  current = next;
  for (const listener of listeners) listener(next);
}

/** Returns a readable name of the adapter: its description if the browser gives one. */
function adapterName({ adapter }: Pick<Capabilities, 'adapter'>): string {
  const { description, device, vendor, architecture } = adapter;
  return description || device || [vendor, architecture].filter(Boolean).join(' ') || 'a GPU';
}

const help = [
  ['Chrome and Edge 113 or later', 'on Windows, macOS, ChromeOS and Android 12: nothing to do'],
  [
    'Chrome on Linux',
    'where it is not on by default: start it with --enable-unsafe-webgpu --enable-features=Vulkan, or turn on chrome://flags/#enable-unsafe-webgpu',
  ],
  ['Safari 26 or later', 'on macOS, iOS and iPadOS: nothing to do'],
  ['Firefox 141 or later', 'on Windows; elsewhere set dom.webgpu.enabled in about:config'],
] as const;

/** Creates the notice about a missing or lost GPU; it is empty while the page has one. */
export function gpuNotice(): HTMLElement {
  const notice = element('div', { role: 'status' });
  watchGpu((state) => {
    if (state.kind === 'missing') notice.replaceChildren(missing(state.reason));
    else if (state.kind === 'lost') notice.replaceChildren(lost(state.reason));
    else notice.replaceChildren();
  });
  return notice;
}

/** Creates the line that names the adapter in the footer. */
export function gpuLine(): HTMLElement {
  const line = element('span', { id: 'adapter' });
  watchGpu((state) => {
    line.textContent =
      state.kind === 'open'
        ? `Running on ${adapterName(state.gpu.capabilities)}`
        : { opening: 'Looking for a GPU', missing: 'No WebGPU', lost: 'The GPU was lost' }[
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
