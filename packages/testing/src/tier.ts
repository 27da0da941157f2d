interface ViteMeta {
  readonly env?: Record<string, string | undefined>;
}

/** Returns an environment variable of the test run: of the process in Node, of Vite in a browser. */
function variable(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env?.[name] ?? (import.meta as ViteMeta).env?.[name];
}

/** Returns the name of the running tier (`unit`, `gpu-node`, `gpu-minimal`, …). */
export function testTier(): string {
  return variable('HEED_TIER') ?? 'gpu-node';
}

/** True under `npm run test:full`, which runs the exhaustive matrix. */
export function isFullRun(): boolean {
  return variable('HEED_FULL') === '1';
}
