/** A piece of GPU work that can be repeated and timed. */
export interface Job extends Disposable {
  readonly name: string;
  /** Dispatches the work; it is done when the device has settled. */
  run(): void;
  /** What the latest run computed, token-major. */
  result(): Promise<Float32Array>;
}
