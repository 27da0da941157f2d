import { writeFileSync } from 'node:fs';
import { say } from './tool.mjs';

const HEARTBEAT_MS = 20_000;

/**
 * Says where a long tier is, and writes its counts to the file named by HEED_REPORT, with what each test took: `cpuMs` of
 * processor time (in a browser, `ms` of wall time only) and how many pipelines it added.
 */
export default class TierReporter {
  counts = { passed: 0, failed: 0, skipped: 0, left: 0, pipelines: 0 };
  tests = [];
  current = 'starting';

  onTestRunStart() {
    const tier = process.env.HEED_TIER ?? 'vitest';
    this.timer = setInterval(() => {
      const { passed, failed, pipelines } = this.counts;
      say(tier, `${passed} passed, ${failed} failed, ${pipelines} pipelines; now ${this.current}`);
    }, HEARTBEAT_MS);
    this.timer.unref();
  }

  onTestCaseReady(test) {
    this.current = `${test.module.relativeModuleId} > ${test.fullName}`;
  }

  onTestCaseResult(test) {
    const { state } = test.result();
    this.counts[state === 'skipped' && isLeft(test) ? 'left' : state] += 1;
    if (state === 'skipped') return;
    const { cpuMs, pipelines = 0 } = test.meta();
    const added = Math.max(0, pipelines - this.counts.pipelines);
    this.counts.pipelines += added;
    this.tests.push({
      file: test.module.relativeModuleId,
      name: test.fullName,
      ms: Math.round(test.diagnostic()?.duration ?? 0),
      ...(cpuMs !== undefined && { cpuMs: Math.round(cpuMs) }),
      pipelines: added,
    });
  }

  onTestRunEnd(modules, unhandledErrors) {
    clearInterval(this.timer);
    // A file or suite whose set-up failed reports its tests as skipped.
    const broken = modules.flatMap((module) => [module, ...module.children.allSuites()]);
    this.counts.failed +=
      broken.filter((entry) => entry.errors().length > 0).length + unhandledErrors.length;
    const report = { ...this.counts, tests: this.tests };
    if (process.env.HEED_REPORT) writeFileSync(process.env.HEED_REPORT, JSON.stringify(report));
  }
}

/** Whether the tags leave a test to another tier or to the full run. */
function isLeft({ tags }) {
  const { HEED_TAGS: wanted, HEED_FULL: full } = process.env;
  const isWanted = wanted?.startsWith('!')
    ? !tags.includes(wanted.slice(1))
    : wanted === undefined || tags.includes(wanted);
  return !full && (tags.includes('full') || !isWanted);
}
