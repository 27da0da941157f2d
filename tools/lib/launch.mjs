import { join } from 'node:path';
import { bestAdapter } from './adapters.mjs';
import { SetupError, say } from './log.mjs';
import { root } from './paths.mjs';
import { run } from './run.mjs';

/**
 * Runs a TypeScript program of the repository on the best adapter, or on what `find` finds; gives its exit status.
 * With `source`, packages are taken from their sources, else as they were built.
 */
export async function launch(env, entry, args, { source = false, find = bestAdapter } = {}) {
  const adapter = await find(env);
  if (adapter.missing) throw new SetupError(adapter.missing);
  say('adapter', [adapter.kind, adapter.name].filter(Boolean).join(': '));
  const flags = source ? ['--conditions=@heed/source'] : [];
  const { code } = await run('node', [...flags, join(root, entry), ...args], {
    env: { ...env, ...adapter.env },
  });
  return { code, adapter };
}
