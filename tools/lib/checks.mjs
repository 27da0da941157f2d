import { say } from './log.mjs';
import { run } from './run.mjs';

/** Each is a task of turbo.json. */
const CHECKS = {
  format: 'check:format',
  lint: 'check:lint',
  typecheck: 'typecheck',
  build: 'build',
  api: 'check:api',
  consumer: 'check:consumer',
  docs: 'docs',
  size: 'check:size',
};

/** Runs every static check, also after one has failed; gives a row of the summary for each. */
export async function runChecks(env) {
  const rows = [];
  for (const [name, task] of Object.entries(CHECKS)) {
    const started = Date.now();
    say('check', name);
    const { code, cpuSeconds } = await runTask(env, task);
    const passed = code === 0 ? 1 : 0;
    const seconds = (Date.now() - started) / 1000;
    rows.push({
      name: `check ${name}`,
      passed,
      failed: 1 - passed,
      skipped: 0,
      seconds,
      cpuSeconds,
    });
  }
  return rows;
}

/** Builds the packages and writes their public declarations; gives the exit status. */
export async function updateApi(env) {
  say('api', 'writing packages/*/api');
  return (await runTask(env, 'api:update')).code;
}

/** Runs a task wherever it exists, and prints what failed. */
async function runTask(env, task) {
  const args = ['run', task, '--output-logs=errors-only', '--log-prefix=none', '--continue'];
  const result = await run('turbo', args, { env, output: 'capture', measure: true });
  if (result.code !== 0) process.stderr.write(result.text);
  return result;
}
