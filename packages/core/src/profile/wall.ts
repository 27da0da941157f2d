import type { Span } from '../api.ts';
import type { Timer } from './timer.ts';

/** Wall time: each dispatch in a submit of its own, measured from the end of the one before to its own end. */
export class WallTimer implements Timer {
  readonly perSubmit = 1;
  readonly #device: GPUDevice;
  readonly #spans: Promise<Span>[] = [];
  #label = '';
  #previousEnd = 0;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  begin(): void {}

  pass(label: string): Pick<GPUComputePassDescriptor, 'timestampWrites'> {
    this.#label = label;
    return {};
  }

  end(): void {}

  submitted(): void {
    const label = this.#label;
    const submittedAt = performance.now();
    const done = this.#device.queue.onSubmittedWorkDone();
    this.#spans.push(
      done.then((): Span => {
        const end = performance.now();
        const ms = end - Math.max(submittedAt, this.#previousEnd);
        this.#previousEnd = end;
        return { label, ms, source: 'wall' };
      }),
    );
  }

  spans(): Promise<Span[]> {
    return Promise.all(this.#spans);
  }
}
