import { spawn } from 'node:child_process';
import { root } from './paths.mjs';

const windows = process.platform === 'win32';

/** Runs a command from the repository root; `output` is `inherit` to show what it prints, or `capture`. */
export function run(
  command,
  args,
  { env = process.env, cwd = root, output = 'inherit', timeoutMs } = {},
) {
  const stdio = output === 'capture' ? ['ignore', 'pipe', 'pipe'] : 'inherit';
  return new Promise((resolve, reject) => {
    // npm and pnpm are .cmd files on Windows, which only a shell can start.
    const child = spawn(command, args, { cwd, env, stdio, shell: windows, timeout: timeoutMs });
    let text = '';
    let stdout = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
      stdout += chunk;
    });
    child.stderr?.on('data', (chunk) => (text += chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? 1, signal, text, stdout }));
  });
}

/** The last lines of a command's output, for an error message. */
export const tail = (text, lines = 20) => text.trimEnd().split('\n').slice(-lines).join('\n');
