import { type Gpu, openGpu } from '@heed/core';

type Listener = (state: GpuState) => void;

/** Whether there is a GPU, and what to tell the visitor. */
export type GpuState =
  | { readonly kind: 'opening' }
  | { readonly kind: 'open'; readonly gpu: Gpu }
  | { readonly kind: 'missing'; readonly reason: string }
  | { readonly kind: 'lost'; readonly reason: string };

let state: GpuState = { kind: 'opening' };
let pending: Promise<Gpu | undefined> | undefined;
const listeners = new Set<Listener>();

/** Calls back now and on each change. */
export function watchGpu(listener: Listener): void {
  listeners.add(listener);
  listener(state);
}

/** The page's GPU, opened on first use and again after the device was lost; undefined where there is none. */
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
  state = next;
  for (const listener of listeners) listener(state);
}
