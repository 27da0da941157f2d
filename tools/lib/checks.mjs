import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { run } from './run.mjs';
import { root, say, SetupError } from './tool.mjs';

/** The static checks by the names that the summary gives them; each is a task of turbo.json. */
const CHECKS = {
  format: 'check:format',
  lint: 'check:lint',
  unused: 'check:unused',
  manifests: 'check:manifests',
  typecheck: 'typecheck',
  build: 'build',
  api: 'check:api',
  consumer: 'check:consumer',
  docs: 'docs',
  size: 'check:size',
};

/** Runs the static checks side by side, the rest also after one has failed. Returns a row of the summary per check. */
export async function runChecks(env) {
  say('check', Object.keys(CHECKS).join(', '));
  const started = Date.now();
  const { code, cpuSeconds, tasks } = await turbo(env, Object.values(CHECKS));
  const rows = Object.entries(CHECKS).map(([name, task]) =>
    checkRow(
      `check ${name}`,
      tasks.filter((one) => one.task === task),
    ),
  );
  const unknown = code !== 0 && rows.every(({ failed }) => failed === 0) ? 1 : 0;
  const seconds = (Date.now() - started) / 1000;
  return [
    ...rows,
    { name: 'all checks', passed: 0, failed: unknown, skipped: 0, seconds, cpuSeconds },
  ];
}

/** Returns the row of a check: failed if a task of it failed or was left out because of another failure. */
export function checkRow(name, tasks) {
  const passed = tasks.length > 0 && tasks.every(({ execution }) => execution?.exitCode === 0);
  const ran = tasks.filter(({ execution, cache }) => execution && cache.status !== 'HIT');
  const seconds =
    ran.length === 0
      ? 0
      : (Math.max(...ran.map(({ execution }) => execution.endTime)) -
          Math.min(...ran.map(({ execution }) => execution.startTime))) /
        1000;
  const adapter = passed && ran.length === 0 ? 'cached' : '';
  return { name, adapter, passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0, seconds };
}

/** Builds the packages and writes their public declarations; returns the exit status. */
export async function updateApi(env) {
  say('api', 'writing packages/*/api');
  return (await turbo(env, ['api:update'])).code;
}

/** Builds the workspace packages that `filter` selects. */
export async function build(env, filter) {
  say('build', 'packages');
  const { code } = await turbo(env, ['build', `--filter=${filter}`]);
  if (code !== 0) throw new SetupError('the build failed');
}

/**
 * Runs tasks in every package that has them; tasks that depend on a failed one are left out. Prints the output of failed tasks;
 * returns the exit status and turbo's record per task.
 */
export async function turbo(env, tasks) {
  const records = join(root, '.turbo', 'runs');
  rmSync(records, { recursive: true, force: true });
  mkdirSync(records, { recursive: true });
  const options = [
    '--continue=dependencies-successful',
    `--concurrency=${availableParallelism() + 1}`,
    '--summarize',
    '--output-logs=errors-only',
  ];
  const args = ['run', ...tasks, ...options];
  const { code, text, cpuSeconds } = await run('turbo', args, {
    env,
    output: 'capture',
    measure: true,
  });
  if (code !== 0) process.stderr.write(text);
  const [record] = readdirSync(records);
  return {
    code,
    cpuSeconds,
    tasks: record ? JSON.parse(readFileSync(join(records, record), 'utf8')).tasks : [],
  };
}
