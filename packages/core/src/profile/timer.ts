import type { Span } from '../api.ts';

/** Measures the dispatches of one `profile` call. */
export interface Timer {
  /** Dispatches per submit; the recorder cuts its list accordingly. */
  readonly perSubmit: number;
  /** Called before each submit with the number of dispatches in it. */
  begin(count: number): void;
  /** Called per dispatch: what its compute pass needs. */
  pass(label: string): Pick<GPUComputePassDescriptor, 'timestampWrites'>;
  /** Called when the last pass of a submit was encoded. */
  end(encoder: GPUCommandEncoder): void;
  submitted(): void;
  /** Resolves when the work is done. */
  spans(): Promise<Span[]>;
}
