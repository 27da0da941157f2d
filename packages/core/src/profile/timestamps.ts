import type { Span } from '../api.ts';
import { COPY_DST, COPY_SRC, MAP_MODE_READ, MAP_READ, QUERY_RESOLVE } from '../buffers/usage.ts';
import type { Timer } from './timer.ts';

interface Batch {
  readonly querySet: GPUQuerySet;
  readonly resolved: GPUBuffer;
  readonly readable: GPUBuffer;
  readonly labels: string[];
}

/** GPU time from `timestamp-query`: each dispatch in a pass of its own, with a time stamp at either end. */
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
    // Stamps may be reset between passes on some adapters, and so run backwards.
    return { label, ms: Math.max(0, ns) / 1e6, source: 'timestamp' };
  });
}
