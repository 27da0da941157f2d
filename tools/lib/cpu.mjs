import { readdirSync, readFileSync } from 'node:fs';

const SAMPLE_MS = 250;
const TICKS_PER_SECOND = 100;

/**
 * Measures the processor seconds (user and system) of a process and its descendants on Linux, by samples of `/proc`.
 * Returns a function that stops and gives them; where there is no `/proc`, it gives undefined.
 *
 * Two lower bounds are kept, and the larger one is the result: the sum over all processes seen (which misses those that begin and
 * end between two samples), and what living processes say of themselves and of children that they have waited for (which
 * misses children that outlive their parent, as those of browsers do).
 */
export function watchCpu(pid) {
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

/** The processor seconds of this process and of its children that have ended, on Linux. */
export function cpuOfThisProcess() {
  if (process.platform !== 'linux') return undefined;
  const { ticks, reaped } = statOf(process.pid);
  return (ticks + reaped) / TICKS_PER_SECOND;
}

/** The living processes of the tree; one that was seen before belongs to it also when its parent has ended. */
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
