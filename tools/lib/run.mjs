import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
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

/** Returns the last lines of a command's output, for an error message. */
export const tail = (text, lines = 20) => text.trimEnd().split('\n').slice(-lines).join('\n');

/** Runs tasks in order, at most `lanes` at a time; resolves to their results in that order. */
export async function inLanes(tasks, lanes) {
  const results = [];
  const waiting = tasks.entries();
  const lane = async () => {
    for (const [index, task] of waiting) results[index] = await task();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

const SAMPLE_MS = 250;
const TICKS_PER_SECOND = 100;

/**
 * Measures the processor seconds (user and system) of a process and its descendants on Linux, by samples of `/proc`.
 * Returns a function that stops and returns them, or undefined where there is no `/proc`.
 *
 * Two lower bounds are kept, and the larger one is the result: the sum over all processes seen (which misses those that begin and
 * end between two samples), and the sum over living processes and the children that they have waited for (which misses
 * children that outlive their parent, such as a browser's).
 */
function watchCpu(pid) {
  if (process.platform !== 'linux' || pid === undefined) return () => undefined;
  const own = new Map();
  let waitedFor = 0;
  const sample = () => {
    let living = 0;
    for (const { id, ticks, reaped } of descendants(pid, own)) {
      own.set(id, ticks);
      living += ticks + reaped;
    }
    waitedFor = Math.max(waitedFor, living);
  };
  sample();
  const timer = setInterval(sample, SAMPLE_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    const seen = [...own.values()].reduce((sum, ticks) => sum + ticks, 0);
    return Math.max(seen, waitedFor) / TICKS_PER_SECOND;
  };
}

/** Returns the processor seconds of this process and of its children that have ended, on Linux. */
export function cpuOfThisProcess() {
  if (process.platform !== 'linux') return undefined;
  const { ticks, reaped } = statOf(process.pid);
  return (ticks + reaped) / TICKS_PER_SECOND;
}

/** Returns the living processes of the tree, also those seen before whose parent has ended. */
function descendants(pid, seen) {
  const all = new Map();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) && statOf(name);
    if (stat) all.set(stat.pid, stat);
  }
  const belongs = (stat) =>
    stat !== undefined &&
    (stat.pid === pid || seen.has(stat.id) || (stat.parent > 1 && belongs(all.get(stat.parent))));
  return [...all.values()].filter(belongs);
}

function statOf(pid) {
  let text;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined; // it has ended
  }
  // The second field is a name in parentheses, which may hold spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [parent, user, system, reapedUser, reapedSystem, start] = [1, 11, 12, 13, 14, 19].map(
    (at) => Number(fields[at]),
  );
  return {
    pid: Number(pid),
    parent,
    id: `${pid} ${start}`,
    ticks: user + system,
    reaped: reapedUser + reapedSystem,
  };
}
