import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { watchCpu } from './cpu.mjs';
import { root } from './tool.mjs';

const windows = process.platform === 'win32';

/**
 * Runs a command from the repository root; `output` is `inherit` to show what it prints, `capture`, or
 * `{ prefix }` to show each line behind that, for commands that run side by side. With `measure`, the result has `cpuSeconds` on Linux.
 */
export function run(
  command,
  args,
  { env = process.env, cwd = root, output = 'inherit', timeoutMs, measure = false } = {},
) {
  const stdio = output === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'];
  return new Promise((resolve, reject) => {
    // npm and pnpm are .cmd files on Windows, which only a shell can start.
    const child = spawn(command, args, { cwd, env, stdio, shell: windows, timeout: timeoutMs });
    const cpu = measure ? watchCpu(child.pid) : undefined;
    let text = '';
    let stdout = '';
    if (output === 'capture') {
      child.stdout.on('data', (chunk) => {
        text += chunk;
        stdout += chunk;
      });
      child.stderr.on('data', (chunk) => (text += chunk));
    } else if (output !== 'inherit') {
      showLines(child.stdout, process.stdout, output.prefix);
      showLines(child.stderr, process.stderr, output.prefix);
    }
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ code: code ?? 1, signal, text, stdout, cpuSeconds: cpu?.() }),
    );
  });
}

function showLines(from, to, prefix) {
  createInterface({ input: from }).on('line', (line) => to.write(`${prefix}${line}\n`));
}

/** The last lines of a command's output, for an error message. */
export const tail = (text, lines = 20) => text.trimEnd().split('\n').slice(-lines).join('\n');

/** Runs tasks, at most `lanes` of them at a time, begun in their order; gives their results in that order too. */
export async function inLanes(tasks, lanes) {
  const results = [];
  const waiting = tasks.entries();
  const lane = async () => {
    for (const [index, task] of waiting) results[index] = await task();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}
