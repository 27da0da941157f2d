import type { KernelSource } from '../dispatch/kernel.ts';

/** Makes each source once: generating a kernel's text costs more than dispatching it, and its identity finds the pipeline. */
export function memoized<Config>(
  key: (config: Config) => string,
  make: (config: Config) => KernelSource,
): (config: Config) => KernelSource {
  const made = new Map<string, KernelSource>();
  return (config) => {
    const name = key(config);
    let source = made.get(name);
    if (!source) made.set(name, (source = make(config)));
    return source;
  };
}
