import 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** Distinct pipelines on the shared device, or in the engine that the test talks to, once the test had run. */
    pipelines?: number;
    /** Processor time of the test in milliseconds, threads of the driver included; not known in a browser. */
    cpuMs?: number;
  }
}
