import {
  COPY_DST,
  COPY_SRC,
  MAP_MODE_READ,
  MAP_READ,
  QUERY_RESOLVE,
} from '../text/buffer-range.ts';
import type { Span } from '../text/gpu.ts';

/** Measures the dispatches of one `profile` call. */
export interface Timer {
  /** Largest number of dispatches per submit. */
  readonly perSubmit: number;
  /** Called before each submit, with its number of dispatches. */
  begin(count: number): void;
  /** Called per dispatch; returns fields of its compute pass descriptor. */
  pass(label: string): Pick<GPUComputePassDescriptor, 'timestampWrites'>;
  /** Called after the last pass of a submit is encoded. */
  end(encoder: GPUCommandEncoder): void;
  submitted(): void;
  /** Resolves when the work is done. */
  spans(): Promise<Span[]>;
}

interface Batch {
  readonly querySet: GPUQuerySet;
  readonly resolved: GPUBuffer;
  readonly readable: GPUBuffer;
  readonly labels: string[];
}

/** Measures GPU time by `timestamp-query`: each dispatch is one pass, with a time stamp at both ends. */
export class TimestampTimer implements Timer {
  // A query set holds at most 4096 queries.
  readonly perSubmit = 2048;
  readonly #device: GPUDevice;
  readonly #batches: Batch[] = [];

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  begin(count: number): void {
    const device = this.#device;
    const label = 'heed profile';
    const size = count * 16;
    this.#batches.push({
      querySet: device.createQuerySet({ label, type: 'timestamp', count: count * 2 }),
      resolved: device.createBuffer({ label, size, usage: QUERY_RESOLVE | COPY_SRC }),
      readable: device.createBuffer({ label, size, usage: COPY_DST | MAP_READ }),
      labels: [],
    });
  }

  pass(label: string): Pick<GPUComputePassDescriptor, 'timestampWrites'> {
    const { querySet, labels } = this.#batches.at(-1) as Batch;
    const first = labels.push(label) * 2 - 2;
    return {
      timestampWrites: {
        querySet,
        beginningOfPassWriteIndex: first,
        endOfPassWriteIndex: first + 1,
      },
    };
  }

  end(encoder: GPUCommandEncoder): void {
    const { querySet, resolved, readable, labels } = this.#batches.at(-1) as Batch;
    encoder.resolveQuerySet(querySet, 0, labels.length * 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, readable, 0, labels.length * 16);
  }

  submitted(): void {}

  async spans(): Promise<Span[]> {
    try {
      return (await Promise.all(this.#batches.map(readSpans))).flat();
    } finally {
      for (const { querySet, resolved, readable } of this.#batches) {
        querySet.destroy();
        resolved.destroy();
        readable.destroy();
      }
    }
  }
}

async function readSpans({ readable, labels }: Batch): Promise<Span[]> {
  await readable.mapAsync(MAP_MODE_READ);
  const ticks = new BigUint64Array(readable.getMappedRange());
  return labels.map((label, i) => {
    const ns = Number(ticks[2 * i + 1]! - ticks[2 * i]!);
    // Some adapters reset the counter between passes, so time may run backwards.
    return { label, ms: Math.max(0, ns) / 1e6, source: 'timestamp' };
  });
}

/** Measures wall time: each dispatch is one submit, measured from the end of the previous one to its own end. */
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
